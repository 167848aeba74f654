import type { Seen, Store } from '@warmtoken/core/adapter'
import type { HistoryEvent } from './event.ts'

/** How a recorder is set up. */
export interface RecordingOptions {
  /** The name under which it records. Default: a unique one. */
  readonly by?: string
  /** Its clock in ms, the same for all recorders of one history. Default: the process's, which all its threads share. */
  readonly now?: () => number
}

/**
 * Wraps a store and tells every swap and every consistent read, as it was asked and as it was answered. `write` is
 * called before a swap is sent; when it throws, nothing is sent.
 *
 * @example
 * ```ts
 * const events: HistoryEvent[] = []
 * const tokens = createTokens({ store: recordingStore(store, (event) => events.push(event)) })
 * ```
 */
export function recordingStore(
  store: Store,
  write: (line: HistoryEvent) => void,
  { by = crypto.randomUUID(), now = () => performance.timeOrigin + performance.now() }: RecordingOptions = {},
): Store {
  const saw = (key: string, { image }: Seen, sentAt: number): void =>
    write({ type: 'read', key, by, tag: image?.tag, sentAt, endedAt: now() })
  const { name, place, forgets, readMany, open } = store

  return {
    name,
    place,
    ...(forgets && { forgets }),
    ...(open && { open: () => open.call(store) }),
    async read(key, options) {
      const sentAt = now()
      const seen = await store.read(key, options)
      if (options.consistent) saw(key, seen, sentAt)
      return seen
    },
    async swap(key, swap, options) {
      const { tag, body, expected } = swap
      const sentAt = now()
      write({ type: 'sent', key, by, tag, expected: expected?.tag, body, sentAt })
      try {
        const swapped = await store.swap(key, swap, options)
        write({ type: 'ended', key, by, tag, outcome: swapped.outcome, sentAt, endedAt: now() })
        return swapped
      } catch (error) {
        write({ type: 'ended', key, by, tag, outcome: 'failed', sentAt, endedAt: now() })
        throw error
      }
    },
    ...(readMany !== undefined &&
      ({
        async readMany(keys, options) {
          const sentAt = now()
          const found = await readMany.call(store, keys, options)
          if (options.consistent) for (const [key, seen] of found) saw(key, seen, sentAt)
          return found
        },
      } satisfies Partial<Store>)),
  }
}
