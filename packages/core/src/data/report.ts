import type { CacheEvent } from './events.ts'

/** How many of the slowest loads are remembered for each resource. */
const MAX_SLOWEST = 5

/** What one resource has done in this environment. */
export interface ResourceReport {
  /** Values served, by the nearest tier that had them. */
  readonly hits: { readonly memory: number; readonly store: number }
  /** Hits as a share of all that was asked for; `null` when nothing was. */
  readonly hitRate: number | null
  /** The same by tier. */
  readonly hitRates: { readonly memory: number | null; readonly store: number | null }
  /** How often the loader was called. */
  readonly loads: number
  /** How often it was served that there is none. */
  readonly negativeHits: number
  /** The slowest loads, slowest first: plain key and length in ms. */
  readonly slowest: readonly { readonly key: string; readonly took: number }[]
}

/** What a cache has done in this environment. */
export interface CacheReport {
  /** By the names of the resources. */
  readonly resources: { readonly [name: string]: ResourceReport }
  /** Invalidations by this environment that the store has acknowledged; each tag and pattern counts. */
  readonly invalidations: number
  /** Requests that checked entries in memory. */
  readonly rechecks: number
  /** Entries that rechecks have dropped. */
  readonly dropped: number
  /** Generation records that the store has lost. */
  readonly generationsLost: number
  /** Failed requests to the store. */
  readonly storeErrors: number
  /** Entries in memory. */
  readonly entries: number
  /** What they take, in bytes, estimated. */
  readonly bytes: number
}

/** The running numbers of one resource. A hit in memory adds one and makes no event. */
export interface ResourceStats {
  memory: number
  store: number
  loads: number
  none: number
  load(key: string, took: number): void
  read(): ResourceReport
}

/** Starts the numbers of a resource. */
export function createStats(): ResourceStats {
  let slowest: readonly { readonly key: string; readonly took: number }[] = []
  return {
    memory: 0,
    store: 0,
    loads: 0,
    none: 0,
    load(key, took) {
      this.loads += 1
      const last = slowest.at(-1)
      if (slowest.length >= MAX_SLOWEST && last !== undefined && last.took >= took) return
      const next = { key, took: Math.round(took) }
      slowest = [...slowest, next].sort((one, other) => other.took - one.took).slice(0, MAX_SLOWEST)
    },
    read() {
      const { memory, store, loads, none } = this
      const all = memory + store + loads
      const share = (hits: number): number | null => (all === 0 ? null : hits / all)
      const hitRates = { memory: share(memory), store: share(store) }
      return { hits: { memory, store }, hitRate: share(memory + store), hitRates, loads, negativeHits: none, slowest }
    },
  }
}

/** The running numbers of what concerns no single resource. */
export interface CacheStats {
  count(event: CacheEvent): void
  read(): Pick<CacheReport, 'invalidations' | 'rechecks' | 'dropped' | 'generationsLost' | 'storeErrors'>
}

/** Starts the numbers of a cache. */
export function createCacheStats(): CacheStats {
  const numbers = { invalidations: 0, rechecks: 0, dropped: 0, generationsLost: 0, storeErrors: 0 }
  return {
    count(event) {
      if (event.type === 'invalidate') numbers.invalidations += 1
      else if (event.type === 'generation-lost') numbers.generationsLost += 1
      else if (event.type === 'store-error') numbers.storeErrors += 1
      else if (event.type === 'recheck') {
        numbers.rechecks += 1
        numbers.dropped += event.dropped
      }
    },
    read: () => ({ ...numbers }),
  }
}
