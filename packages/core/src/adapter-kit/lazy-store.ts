import type { Store } from '../contracts.ts'

/** The requests of a store. `load` may resolve to an `open` beside them, for a store that keeps a connection. */
export type StoreCalls = Pick<Store, 'read' | 'swap' | 'readMany'>

/** What {@link lazyStore} makes a store from. */
export interface LazyStore<Calls extends StoreCalls> {
  /** The name of the store, for events and errors. */
  readonly name: string
  /** Which table, bucket or database this is; see `Store`. */
  readonly place?: string | undefined
  /** Whether a write that was acknowledged may be lost; see `Store`. Default false. */
  readonly forgets?: boolean
  /** Loads the requests, such as by an `import()`. Called once, before the first request; again after a failure. */
  readonly load: () => Promise<Calls & Pick<Store, 'open' | 'lacks'>>
  /** Whether there is a `readMany`. Default false. */
  readonly many?: Calls extends Required<StoreCalls> ? boolean : false
}

/**
 * A store whose requests are loaded before the first of them: an environment whose memory or file has the token loads neither
 * a client nor the code that uses it.
 *
 * @example
 * ```ts
 * return lazyStore({ name: 'redis', load: () => import('./calls.js').then(({ makeCalls }) => makeCalls(options)) })
 * ```
 */
export function lazyStore<Calls extends StoreCalls>({ name, place, forgets, load, many }: LazyStore<Calls>): Store {
  type Loaded = StoreCalls & Pick<Store, 'open' | 'lacks'>
  let loading: Promise<Loaded> | undefined
  let loaded: Loaded | undefined
  const calls = async (): Promise<Loaded> => {
    try {
      loading ??= load()
      loaded = await loading
      return loaded
    } catch (error) {
      loading = undefined
      throw error
    }
  }
  return {
    name,
    place,
    ...(forgets && { forgets }),
    open: async () => (await calls()).open?.(),
    read: async (...call) => (await calls()).read(...call),
    swap: async (...call) => (await calls()).swap(...call),
    ...(many && {
      readMany: async (...call) => (await calls()).readMany?.(...call) ?? new Map(),
      lacks: () => loaded?.lacks?.(),
    }),
  }
}
