import type { Clock } from '../engine/time/clock.ts'
import type { ServerClock } from '../engine/time/server-clock.ts'
import { StoreError, WarmTokenError } from '../errors.ts'
import type { Held, RecordCache } from './cache.ts'
import type { RefusalReason, SessionListener } from './events.ts'
import { judge, type Verdict } from './judge.ts'
import { MAX_AHEAD } from './record.ts'
import { CHANGE_TIMEOUT, type Records } from './records.ts'
import { keyOfSelector, type ParsedToken, type TokenCodec } from './token.ts'

/**
 * How much later than its birth a token may have come into its record, in ms: within it, "no record" may be an older
 * sight than the token.
 */
const ABSENT_SLACK: number = CHANGE_TIMEOUT + 2_000
/** Reads for tokens that are newer than the record: one per user in so many ms. */
const REREAD_EVERY = 1_000
/** Reads that one request may cause. */
const MAX_READS = 2

/** What verification needs. */
export interface VerifierParts {
  readonly tokens: TokenCodec
  readonly records: Records
  readonly cache: RecordCache
  readonly clock: Clock
  readonly server: ServerClock
  readonly recheck: number
  readonly downGrace: number
  readonly readsPerSecond: number
  readonly emit: SessionListener
}

/** A token that is accepted. */
export interface Accepted {
  readonly token: ParsedToken
  readonly held: Held
  readonly verdict: Extract<Verdict, { outcome: 'accepted' }>
}

/** Judges tokens. */
export interface Verifier {
  /** What memory alone can accept. */
  peek(text: unknown): Accepted | undefined
  /** Resolves to `undefined` for a token that is not good. Rejects when the store is needed and cannot tell. */
  verify(text: unknown, fresh: boolean): Promise<Accepted | undefined>
}

/** What can be said without another read. */
type Known = Accepted | { readonly reason: RefusalReason } | 'unknown'

/** Makes the verifier of one environment. */
export function createVerifier(parts: VerifierParts): Verifier {
  const { tokens, records, cache, clock, server, recheck, emit } = parts
  const flights = new Map<string, Promise<void>>()
  const takeRead = createAllowance(clock, parts.readsPerSecond)

  const accept = (token: ParsedToken, held: Held): Accepted | { reason: RefusalReason } | undefined => {
    const verdict = judge(held.record, records.now(), token.hash)
    if (verdict.outcome === 'accepted') return { token, held, verdict }
    if (verdict.outcome === 'refused') return { reason: verdict.reason }
    // A record that is newer than the token knows it or has dropped it.
    return token.born <= held.record.version ? { reason: 'revoked' } : undefined
  }

  /** `since`: a request with a higher number was sent after the call started, so that it saw all that came before. */
  const know = (token: ParsedToken, since: number, bound: number): Known => {
    const held = cache.held(token.selector)
    if (held !== undefined && cache.isYoung(held.sentAt, bound))
      return accept(token, held) ?? (held.sent > since ? { reason: 'unknown' } : 'unknown')
    const absent = cache.absent(token.selector)
    if (absent !== undefined && cache.isYoung(absent.sentAt, bound)) {
      const isCertain = absent.sent > since || token.born < absent.earliest - ABSENT_SLACK
      return isCertain ? { reason: 'unknown' } : 'unknown'
    }
    return 'unknown'
  }

  const refuse = (reason: RefusalReason, token?: ParsedToken): undefined => {
    emit({ type: 'session-refused', reason, key: token && keyOfSelector(token.selector) })
    return undefined
  }

  /** One read at a time for each record. Not shared with calls that need one which was sent after they began. */
  const load = (selector: string, key: string): Promise<void> => {
    const flight = flights.get(selector) ?? records.load(key).finally(() => flights.delete(selector))
    flights.set(selector, flight)
    return flight
  }

  /** Reads the record of a token, if that may be done now. */
  const look = async (token: ParsedToken, key: string, fresh: boolean): Promise<void> => {
    const held = cache.held(token.selector)
    if (flights.has(token.selector)) return load(token.selector, key)
    if (held === undefined) {
      const giveBack = takeRead() ?? tooMany(key)
      await load(token.selector, key)
      if (cache.held(token.selector) !== undefined) giveBack()
      return undefined
    }
    if (!fresh && cache.isYoung(held.sentAt, recheck)) {
      if (clock.fast() < held.rereadAt) tooMany(key)
      held.rereadAt = clock.fast() + REREAD_EVERY
    }
    return load(token.selector, key)
  }

  const tooMany = (key: string): never => {
    emit({ type: 'session-reads-limited', key })
    throw new WarmTokenError(
      'too many tokens that this environment does not know; try again later, or raise "misses.readsPerSecond"',
      {
        code: 'SESSION_READS_LIMITED',
        key,
        retryable: true,
      },
    )
  }

  /** While the store is down, what it said last may count a little longer. */
  const withoutStore = (token: ParsedToken, fresh: boolean, error: unknown): Known => {
    const isDown = error instanceof StoreError && !fresh && parts.downGrace > 0
    const known = isDown ? know(token, Number.POSITIVE_INFINITY, recheck + parts.downGrace) : 'unknown'
    if (known === 'unknown') throw error
    return known
  }

  return {
    peek(text) {
      const token = tokens.parse(text)
      const held = token && cache.held(token.selector)
      if (token === undefined || held === undefined || !cache.isYoung(held.sentAt, recheck)) return undefined
      const known = accept(token, held)
      return known !== undefined && 'held' in known ? known : undefined
    },

    async verify(text, fresh) {
      const token = tokens.parse(text)
      if (token === undefined) return refuse('malformed')
      const key = keyOfSelector(token.selector)
      // Without a reading of the server's clock nothing is too far ahead of it.
      if (token.born > (server.latest() ?? Number.POSITIVE_INFINITY) + MAX_AHEAD) return refuse('unknown', token)
      const since = cache.next()
      let known: Known = fresh ? 'unknown' : know(token, since, recheck)
      // A read that another call started earlier counts too, and may not be enough.
      for (let reads = 0; known === 'unknown' && reads <= MAX_READS; reads += 1) {
        try {
          await look(token, key, fresh)
          known = seenSince(token.selector, since) || !fresh ? know(token, since, recheck) : 'unknown'
        } catch (error) {
          known = withoutStore(token, fresh, error)
        }
      }
      if (known === 'unknown') return tooMany(key)
      return 'reason' in known ? refuse(known.reason, token) : known
    },
  }

  function seenSince(selector: string, since: number): boolean {
    return Math.max(cache.held(selector)?.sent ?? 0, cache.absent(selector)?.sent ?? 0) > since
  }
}

/** So many reads in each second. Gives what returns the one that was taken; `undefined` when none is left. */
function createAllowance(clock: Clock, perSecond: number): () => (() => void) | undefined {
  let left = perSecond
  let startedAt = clock.slow()
  return () => {
    const now = clock.slow()
    if (now - startedAt >= 1_000) {
      left = perSecond
      startedAt = now
    }
    if (left < 1) return undefined
    left -= 1
    return () => {
      left = Math.min(perSecond, left + 1)
    }
  }
}
