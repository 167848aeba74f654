import { parseRecord } from '@warmtoken/core/record'
import { checkChain, rebuildChain } from './chain.ts'
import type { HistoryEvent } from './event.ts'
import { checkRealTime } from './real-time.ts'
import { checkSteps, type StepCounts } from './steps.ts'
import type { HistoryViolation, Violate } from './violation.ts'
import { collectWrites, type Write } from './writes.ts'

/** How a history is checked. */
export interface CheckOptions {
  /**
   * By how much a take-over may seem early, in ms: what may pass between an engine's look at its clock and the
   * recorder's, and the drift of clocks that engines allow for. Default 100.
   */
  readonly tolerance?: number
}

/** What happened in a history. A check of a history in which nothing happened shows nothing: look at these. */
export interface HistoryCounts {
  /** Writes on the chain. */
  readonly applied: number
  readonly publishes: number
  /** Leases that were replaced by another's after their end. */
  readonly takeOvers: number
  /** Leases that were used although their write was not acknowledged. */
  readonly adoptions: number
  /** Writes on the chain that were not acknowledged. */
  readonly untold: number
  /** Publishes that met another's record and changed nothing. */
  readonly fenced: number
  /** Leases that were won and did not lead to a publish. */
  readonly unused: number
  /** Writes that were repeated with another text under the same tag. */
  readonly retold: number
}

/** What a check found. */
export interface HistoryResult {
  readonly violations: readonly HistoryViolation[]
  readonly counts: HistoryCounts
  /** The nonces that held the lease, as far as the chain could be rebuilt. */
  readonly leases: ReadonlySet<string>
}

/**
 * Checks the history of one key, as {@link recordingStore} reports it, in O(n log n): the lines of all recorders in any
 * order, and the tag that is in the store at the end (`undefined` when nothing is). Throws `TypeError` for the lines of
 * more than one key.
 *
 * @example
 * ```ts
 * const { image } = await store.read(key, { signal, consistent: true })
 * const { violations } = checkHistory(events, image?.tag)
 * ```
 */
export function checkHistory(
  events: readonly HistoryEvent[],
  finalTag: string | undefined,
  { tolerance = 100 }: CheckOptions = {},
): HistoryResult {
  const key = events[0]?.key ?? ''
  if (events.some((event) => event.key !== key)) throw new TypeError('checkHistory: the events are of several keys')
  const violations: HistoryViolation[] = []
  const violate: Violate = (invariant, tag, what) => void violations.push({ invariant, tag, what })

  const writes = collectWrites(events, violate)
  const chain = rebuildChain(writes, { key, finalTag, violate })
  const positions = new Map(chain.map(({ write }, index) => [write.tag, index]))
  checkChain(writes, positions, violate)
  const steps = checkSteps(chain, tolerance, violate)
  checkRealTime(events, { writes, positions }, violate)
  return { violations, counts: countAll(key, writes, { positions, steps }), leases: steps.leases }
}

function countAll(
  key: string,
  writes: ReadonlyMap<string, Write>,
  { positions, steps }: { positions: ReadonlyMap<string, number>; steps: StepCounts },
): HistoryCounts {
  const { published, leases, takeOvers } = steps
  const all = [...writes.values()]
  const untold = all.filter(({ tag, acknowledgedAt }) => positions.has(tag) && acknowledgedAt === undefined)
  const recordIn = ({ bodies: [body = ''] }: Write) => {
    const parsed = parseRecord(body, key)
    return parsed.outcome === 'record' ? parsed.record : undefined
  }
  const isAdopted = (write: Write): boolean => {
    const lease = recordIn(write)?.lease
    return lease !== undefined && published.has(lease.nonce)
  }
  const isFenced = (write: Write): boolean => {
    const record = write.refused && !positions.has(write.tag) ? recordIn(write) : undefined
    const publisher = record?.lease === undefined ? record?.value?.publisher : undefined
    return publisher !== undefined && !published.has(publisher)
  }
  return {
    applied: positions.size,
    publishes: published.size,
    takeOvers,
    adoptions: untold.filter(isAdopted).length,
    untold: untold.length,
    fenced: all.filter(isFenced).length,
    unused: leases.size - published.size,
    retold: all.filter(({ bodies }) => bodies.length > 1).length,
  }
}
