import type { ServerTime } from '../contracts.ts'
import { machineTime } from '../lib/clocks.ts'
import { systemRuntime } from '../lib/runtime.ts'
import { withDeadline as runWithDeadline } from '../lib/timing.ts'

/** The precision of an HTTP `Date` header, in ms: it counts whole seconds, rounded down. */
const DATE_PRECISION = 1_000

/** Reads the `Date` header of an answer. `undefined` when there is none, or none that is a date. */
export function parseServerDate(header: string | undefined): ServerTime | undefined {
  const at = header === undefined ? Number.NaN : Date.parse(header)
  return Number.isNaN(at) ? undefined : { at, precision: DATE_PRECISION }
}

/**
 * Starts a stopwatch. The returned function gives the ms since then: the larger of what two clocks show, because one may
 * stop while the environment is frozen and the other may step back.
 */
export function stopwatch(): () => number {
  const wallStart = Date.now()
  const steadyStart = machineTime()
  return () => Math.max(Date.now() - wallStart, machineTime() - steadyStart)
}

/**
 * Runs a call under a deadline, for clients that know no signal or no time-out of their own. Rejects with an error named
 * `TimeoutError` after `ms`, or `AbortError` as soon as the outer signal aborts; the signal that the call was given aborts
 * too. When a starved process fires the timer late, an answer that came in time is still read.
 */
export async function withDeadline<T>(
  ms: number,
  outer: AbortSignal | undefined,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const result = await runWithDeadline(systemRuntime, { ms, signal: outer, patient: true }, call)
  if (result.outcome === 'done') return result.value
  if (result.outcome === 'failed') throw result.cause
  if (result.outcome === 'aborted') throw named('AbortError', 'the call was aborted')
  throw named('TimeoutError', `no answer within ${ms} ms`)
}

function named(name: string, message: string): Error {
  return Object.assign(new Error(message), { name })
}
