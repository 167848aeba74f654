import type { FailureKind } from '../../contracts.ts'
import type { FetchEvent, HitEvent, WarmEvent } from '../../events.ts'
import { createHistogram, type Histogram } from './histogram.ts'
import type { SourceReport } from './types.ts'

/** Everything that is counted one by one. */
const NONE = {
  memory: 0,
  file: 0,
  store: 0,
  shared: 0,
  fetches: 0,
  ok: 0,
  alone: 0,
  avoided: 0,
  stale: 0,
  rejections: 0,
  storeErrors: 0,
}

const NO_COOL_DOWNS: { readonly [Kind in FailureKind]: number } = {
  refused: 0,
  throttled: 0,
  unavailable: 0,
  budget: 0,
}

/** The running numbers of one source. */
export interface Counters {
  /** Counts one event. */
  count(event: WarmEvent): void
  /** Adds all of another. */
  merge(other: Counters): void
  readonly numbers: typeof NONE
  readonly coolDowns: { [Kind in FailureKind]: number }
  readonly waits: Histogram
  readonly remaining: Histogram
}

/** Starts at nothing. */
export function createCounters(): Counters {
  const numbers = { ...NONE }
  const coolDowns = { ...NO_COOL_DOWNS }
  const waits = createHistogram()
  const remaining = createHistogram()

  const countHit = (event: HitEvent): void => {
    numbers[event.tier] += 1
    if (event.tier !== 'memory') numbers.avoided += 1
    if (event.stale) numbers.stale += 1
    if (event.waited !== undefined) waits.add(event.waited)
    // A hit in memory is often counted without an event, so none of them is measured unless it is stale.
    if (event.tier !== 'memory' || event.stale) remaining.add(event.remaining)
  }

  const countFetch = ({ outcome, alone }: FetchEvent): void => {
    numbers.fetches += 1
    if (outcome === 'ok') numbers.ok += 1
    if (alone) numbers.alone += 1
  }

  return {
    numbers,
    coolDowns,
    waits,
    remaining,
    count(event) {
      if (event.type === 'hit') return countHit(event)
      if (event.type === 'fetch') return countFetch(event)
      if (event.type === 'cool-down') coolDowns[event.kind] += 1
      else if (event.type === 'reject') numbers.rejections += 1
      else if (event.type === 'store-error') numbers.storeErrors += 1
      else if (event.type === 'shared') {
        numbers.shared += 1
        numbers.avoided += 1
      }
    },
    merge(other) {
      for (const name of namesOf(numbers)) numbers[name] += other.numbers[name]
      for (const kind of namesOf(coolDowns)) coolDowns[kind] += other.coolDowns[kind]
      waits.merge(other.waits)
      remaining.merge(other.remaining)
    },
  }
}

/** The names of an object that was made here and holds nothing else. */
function namesOf<T extends object>(object: T): readonly (keyof T)[] {
  return Object.keys(object) as (keyof T)[]
}

function share(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole
}

/** The numbers as users read them. */
export function summarize({ numbers, coolDowns, waits, remaining }: Counters): SourceReport {
  const { memory, file, store, shared, fetches, ok, alone } = numbers
  const hits = memory + file + store
  return {
    hits: { memory, file, store },
    hitRate: share(hits, hits + shared + fetches),
    shared,
    fetches: { all: fetches, ok, alone },
    fetchesAvoided: numbers.avoided,
    refreshSuccess: share(ok, fetches),
    leaseWaits: { count: waits.count, p50: waits.quantile(0.5), p99: waits.quantile(0.99) },
    staleServes: numbers.stale,
    coolDowns: { ...coolDowns },
    rejections: numbers.rejections,
    storeErrors: numbers.storeErrors,
    remainingLife: { p50: remaining.quantile(0.5), least: remaining.least },
  }
}
