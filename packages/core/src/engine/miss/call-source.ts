import type { Entry, FailureKind, Issued } from '../../contracts.ts'
import { SourceUnavailableError, TimeoutError, type WarmTokenError } from '../../errors.ts'
import { fingerprint } from '../../lib/hash.ts'
import { asFields, asText, asTime, type Fields } from '../../lib/parse.ts'
import { type Timed, withDeadline } from '../../lib/timing.ts'
import { MAX_NAME } from '../../record/record.ts'
import type { Flight, MissContext } from '../context.ts'
import type { Given, Slot } from '../slot.ts'
import { reportSuspicious } from './suspicious-duration.ts'

/** With this share of its time, a source that does not answer is to blame for it. */
const FAIR_SHARE = 0.5
/** The longest lifetime that is believed, in ms: ten years. */
const MAX_LIFETIME = 10 * 365 * 86_400_000

/** What a call of the source gave. */
export type Answer<T> = ({ readonly outcome: 'ok' } & Given<T>) | Failed

/** That the source failed, and how. */
export interface Failed {
  readonly outcome: 'failed'
  readonly error: unknown
  readonly what: Classified
  /** Fingerprint of the secret in use, when that is what was refused. */
  readonly secretFingerprint: string | undefined
  /** How long it took, in ms. */
  readonly took: number
  /** Whether the source was not given its full time, so that it is not to blame: a caller with more time may try at once. */
  readonly curtailed: boolean
}

/** How a source failed. */
export interface Classified {
  readonly kind: FailureKind
  /** The issuer's error code or this library's. */
  readonly code: string
  /** How long the issuer asked to wait, in ms. */
  readonly retryAfter: number | undefined
  /** Whether the issuer certainly did nothing. */
  readonly nothingDone: boolean
}

/** How the source is called. */
export interface SourceCall<T> {
  /** How long it may take, in ms. */
  readonly time: number
  readonly nonce: string
  readonly previous: T | undefined
  readonly spends?: string | undefined
  /** Whether without a lease. */
  readonly alone?: boolean
}

/** Asks the source, once. Never rejects. */
export async function callSource<T>(
  flight: Flight<T>,
  { time, nonce, previous, spends, alone = false }: SourceCall<T>,
): Promise<Answer<T>> {
  const { context, slot, ask, signal: outer } = flight
  const { clock, server, runtime, policy, emit } = context
  const { key, subject } = slot
  const { params, rejected } = ask
  const startedAt = clock.fast()
  const serverTime = server.earliest()
  const askedAt = serverTime ?? 0
  // What is spent cannot be called back: an exclusive source gets its own time whatever the caller does, and an answer that
  // waits to be read after a freeze is read.
  const exclusive = subject.source.exclusive !== undefined
  const result = await withDeadline(
    runtime,
    { ms: time, signal: exclusive ? undefined : outer, patient: exclusive },
    (signal) => subject.fetch({ params, time, nonce, signal, previous, spends, rejected, serverTime, alone }),
  )
  const took = Math.round(clock.fast() - startedAt)
  if (result.outcome === 'done') reportSuspicious(context, slot, result.value?.lifetime)
  const problem = result.outcome === 'done' ? problemOf(flight, result.value) : undefined
  if (result.outcome === 'done' && problem === undefined) {
    const { assumed, lifetime, unusable } = result.value
    emit({ type: 'fetch', key, took, outcome: unusable === undefined ? 'ok' : classify(unusable).kind, alone })
    if (assumed !== undefined) emit({ type: 'lifetime-assumed', key, option: assumed, lifetime })
    return { outcome: 'ok', issued: result.value, took, askedAt }
  }
  const error = problem ?? errorOf(key, result, time)
  const what = classify(error)
  const curtailed =
    result.outcome === 'aborted' || (result.outcome === 'timed-out' && time < policy.sourceTimeout * FAIR_SHARE)
  const secretFingerprint = what.kind === 'refused' ? await secretFingerprintOf(context, slot) : undefined
  emit({ type: 'fetch', key, took, outcome: what.kind, alone })
  return { outcome: 'failed', error, what, secretFingerprint, took, curtailed }
}

/** Whether the source, asked because of a refusal, gave a refused value again: the issuer vouches for it. */
export function isVouchedFor<T>({ slot, ask }: Flight<T>, { fingerprint }: Pick<Entry<T>, 'fingerprint'>): boolean {
  if (ask.rejected === undefined) return false
  return fingerprint === ask.rejected || slot.rare?.rejected?.some((one) => one.fingerprint === fingerprint) === true
}

/**
 * Sorts what a source threw, by its name: a source of an adapter, or one that bundles its own copy of this package, throws
 * errors of other classes. Anything that is not named like this library's own errors counts as unavailable.
 */
export function classify(error: unknown): Classified {
  const fault = error instanceof Error ? asFields(error) : undefined
  const kindOf = KINDS[String(fault?.['name'])]
  if (fault === undefined || kindOf === undefined) return { ...UNKNOWN_FAILURE }
  return {
    kind: kindOf(fault),
    code: asText(fault['code'], MAX_NAME) ?? UNKNOWN_FAILURE.code,
    retryAfter: asTime(fault['retryAfter']),
    nothingDone: fault['nothingDone'] === true,
  }
}

/**
 * Fingerprint of the secret in use, where the source has one. A secret store that hangs or fails must not hold the call: it
 * counts as another secret when it fails, and as unknown when it hangs.
 */
export async function secretFingerprintOf(context: MissContext, slot: Slot<unknown>): Promise<string | undefined> {
  const { source } = slot.subject
  if (source.secretFingerprint === undefined) return undefined
  const call = async (): Promise<string | undefined> => source.secretFingerprint?.()
  const result = await withDeadline(context.runtime, { ms: context.policy.sourceTimeout }, call)
  if (result.outcome === 'timed-out') return undefined
  // Hashed: a source that returns the secret itself, by mistake, must not have it stored in the record.
  const text = result.outcome === 'done' ? asText(result.value, MAX_NAME) : undefined
  return text === undefined ? '' : fingerprint(text)
}

/** What an error means by its name. Of any other it is only known that there is no value. */
const KINDS: { readonly [name: string]: (fault: Fields) => FailureKind } = {
  SourceRefusedError: () => 'refused',
  SignInRequiredError: () => 'refused',
  SourceUnavailableError: ({ kind }) => (kind === 'throttled' ? kind : 'unavailable'),
}

const UNKNOWN_FAILURE: Classified = {
  kind: 'unavailable',
  code: 'SOURCE_FAILED',
  retryAfter: undefined,
  nothingDone: false,
}

function errorOf(key: string, result: Timed<unknown>, time: number): unknown {
  if (result.outcome === 'failed') return result.cause
  if (result.outcome === 'aborted') {
    return new TimeoutError(`no value for ${key}: the call was aborted before the source answered`, { key })
  }
  const message = `the source of ${key} did not answer within ${Math.round(time)} ms`
  return new SourceUnavailableError(message, { code: 'SOURCE_TIMEOUT' })
}

/** What is wrong with an answer: a lifetime that makes no sense. */
function problemOf<T>(flight: Flight<T>, issued: Issued<T>): WarmTokenError | undefined {
  const exclusive = flight.slot.subject.source.exclusive !== undefined
  if (exclusive && asFields(issued)?.['unusable'] !== undefined) return undefined
  const lifetime: unknown = asFields(issued)?.['lifetime']
  if (!(typeof lifetime === 'number' && lifetime > 0 && lifetime <= MAX_LIFETIME)) {
    const message = 'the source gave a "lifetime" that is not a positive number of ms'
    return new SourceUnavailableError(message, { code: 'BAD_LIFE' })
  }
  // What came with the value of an exclusive source must be committed first, whatever the value.
  if (exclusive) return undefined
  const { earliest, latest } = flight.context.server.interval()
  if (lifetime > latest - earliest) return undefined
  const known = `the server's time is known only to ${Math.round(latest - earliest)} ms`
  return new SourceUnavailableError(`the source gave a lifetime of ${Math.round(lifetime)} ms, and ${known}`, {
    code: 'LIFE_TOO_SHORT',
  })
}
