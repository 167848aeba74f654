import type { Issued } from '../../contracts.ts'
import { SameValueError, SourceUnavailableError, TimeoutError, type WarmTokenError } from '../../errors.ts'
import { asFields } from '../../lib/parse.ts'
import { within } from '../../lib/timing.ts'
import type { Ask, Parts, Slot } from '../context.ts'
import { hasRefused } from '../slot.ts'
import { classify, secretOf } from './cool-down.ts'

/** The code of a source that did not answer in time. */
const TIMED_OUT = 'SOURCE_TIMEOUT'
/** With this share of its time a source that does not answer is to blame for it. */
const FAIR_SHARE = 0.5
/** The longest life that is believed, in ms: ten years. */
const MAX_LIFE = 10 * 365 * 86_400_000

/** What the source gave. */
export interface Given<T> {
  readonly outcome: 'ok'
  readonly issued: Issued<T>
  /** How long it took, in ms. */
  readonly took: number
  /** The server's time before it was asked, at least. */
  readonly askedAt: number
}

/** That the source failed, and how. */
export interface Failed {
  readonly outcome: 'failed'
  readonly error: unknown
  readonly what: ReturnType<typeof classify>
  /** Fingerprint of the secret in use, when that is what was refused. */
  readonly secret: string | undefined
  readonly took: number
  /** Whether it was not given its full time, so that it is not to blame: the next one who has more may try at once. */
  readonly curtailed: boolean
}

/** One call of the source. */
interface Call<T> {
  /** How long it may take, in ms. */
  readonly time: number
  readonly nonce: string
  readonly signal: AbortSignal
  readonly previous: T | undefined
  readonly spends: string | undefined
  /** Whether without a lease. */
  readonly alone: boolean
}

/** Asks the source, once. Never rejects. */
export async function callSource<T>(
  parts: Parts,
  slot: Slot<T>,
  ask: Ask,
  { time, nonce, signal: outer, previous, spends, alone }: Call<T>,
): Promise<Given<T> | Failed> {
  const { subject } = slot
  const startedAt = parts.clock.fast()
  const askedAt = parts.server.earliest() ?? 0
  // What is spent by then cannot be called back: an exclusive source is left to its own time, and an answer that waits to
  // be read after a freeze is read.
  const isExclusive = subject.source.exclusive !== undefined
  const result = await within(
    parts.runtime,
    time,
    isExclusive ? undefined : outer,
    (signal) => subject.fetch({ params: ask.params, nonce, signal, previous, spends, rejected: ask.rejected }),
    isExclusive,
  )
  const took = Math.round(parts.clock.fast() - startedAt)
  const problem = result.outcome === 'done' ? check(parts, slot, ask, result.value) : undefined
  if (result.outcome === 'done' && problem === undefined) {
    parts.emit({ type: 'fetch', key: slot.key, took, outcome: 'ok', alone })
    return { outcome: 'ok', issued: result.value, took, askedAt }
  }
  const error = result.outcome === 'failed' ? result.cause : (problem ?? unanswered(slot.key, result.outcome, time))
  const what = classify(error)
  const curtailed =
    result.outcome === 'aborted' || (result.outcome === 'late' && time < parts.policy.sourceTimeout * FAIR_SHARE)
  const secret = what.kind === 'refused' ? await secretOf(parts, slot) : undefined
  parts.emit({ type: 'fetch', key: slot.key, took, outcome: what.kind, alone })
  return { outcome: 'failed', error, what, secret, took, curtailed }
}

function unanswered(key: string, outcome: string, time: number): WarmTokenError {
  return outcome === 'aborted'
    ? new TimeoutError(`no value for ${key}: the call was given up before the source answered`, { key })
    : new SourceUnavailableError(`the source of ${key} did not answer within ${Math.round(time)} ms`, {
        code: TIMED_OUT,
      })
}

/** What is wrong with an answer: a life that makes no sense, or the very value that the API has refused. */
function check<T>(parts: Parts, slot: Slot<T>, ask: Ask, issued: Issued<T>): WarmTokenError | undefined {
  const lifetime: unknown = asFields(issued)?.['lifetime']
  if (!(typeof lifetime === 'number' && lifetime > 0 && lifetime <= MAX_LIFE)) {
    return new SourceUnavailableError('the source gave a life that is not a positive number of ms', {
      code: 'BAD_LIFE',
    })
  }
  // What came with the value of an exclusive source must be committed first, whatever the value.
  if (slot.subject.source.exclusive === undefined && isRefused(slot, ask, issued)) {
    return new SameValueError('the source gave the refused value again')
  }
  const doubt = (parts.server.latest() ?? 0) - (parts.server.earliest() ?? 0)
  if (slot.subject.source.exclusive !== undefined || issued.lifetime > doubt) return undefined
  return new SourceUnavailableError(
    `the source gave a lifetime of ${Math.round(issued.lifetime)} ms, and the time is known to ${Math.round(doubt)} ms only`,
    { code: 'LIFE_TOO_SHORT' },
  )
}

/** Whether the source gave the very value that the API has refused, or one from before it. */
export function isRefused<T>(slot: Slot<T>, ask: Ask, issued: Issued<T>): boolean {
  if (ask.rejected === undefined) return false
  const fingerprint = slot.subject.fingerprint(issued.value)
  return fingerprint === ask.rejected || hasRefused(slot, fingerprint)
}
