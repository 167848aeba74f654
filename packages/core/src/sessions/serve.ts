import { atMost } from '../lib/timing.ts'
import type { SessionContext } from './context.ts'
import { isRenewalDue } from './judge.ts'
import { hashOf, keyOfSelector, selectorIn } from './token.ts'
import { renewSession } from './transitions.ts'
import type { Session, Sessions } from './types.ts'
import type { Accepted } from './verify.ts'

/** How long after one attempt a renewal of the same record is tried again, in ms; `renewEvery` where that is shorter. */
const RENEWAL_PAUSE = 5_000

/** The calls that answer requests, and the renewals that they cause. */
export interface Serving<Data, User> extends Pick<Sessions<Data, User>, 'peek' | 'verify' | 'settle'> {
  /** Whether renewals are in progress. */
  isBusy(): boolean
}

/** Answers requests: the session of a token that was accepted, made once, and renewed in the background. */
export function serveSessions<Data, User>(context: SessionContext<Data, User>): Serving<Data, User> {
  const { records, verifier, cache, clock, runtime, lifetimes, recheck, view, emit, listening } = context
  const renewals = new Set<Promise<unknown>>()

  const serve = (accepted: Accepted | undefined): Session<Data, User> | undefined => {
    if (accepted === undefined) return undefined
    const { token, held, verdict } = accepted
    const { session, until } = verdict
    const { earliest, latest } = records.now()
    const isDue = isRenewalDue(session, earliest, lifetimes)
    if (isDue && clock.fast() >= held.renewAt) renew(accepted)
    const known = held.views.get(token.hash)?.session as Session<Data, User> | undefined
    const owner = { key: keyOfSelector(token.selector), record: held.record }
    const made = known ?? view(owner, session, verdict.data)
    // Until the renewal is due, or the end: by the time that passes fastest.
    const goodFor = isDue
      ? held.renewAt - clock.fast()
      : session.idleUntil - lifetimes.idle + lifetimes.renewEvery - latest
    const isCapped = session.idleUntil === session.absoluteUntil
    const left = isCapped ? until - latest : Math.min(until - latest, goodFor)
    if (made !== undefined) held.views.set(token.hash, { session: made, until: clock.fast() + left })
    return made
  }

  const renew = ({ token, held, verdict }: Accepted): void => {
    const key = keyOfSelector(token.selector)
    const { id } = verdict.session
    // Whatever becomes of it: should it be lost, the next request after a while tries again.
    held.renewAt = clock.fast() + Math.min(lifetimes.renewEvery, RENEWAL_PAUSE)
    const renewal = records
      .tryChange(key, (record, now) => {
        const renewed = record && renewSession(record, id, { now, lifetimes })
        return { record: renewed, result: renewed !== undefined }
      })
      .then(
        (isRenewed) => isRenewed && emit({ type: 'session-renewed', key, id }),
        // `store-error` was emitted; the session is good without it.
        () => undefined,
      )
      .finally(() => renewals.delete(renewal))
    renewals.add(renewal)
  }

  return {
    peek(token) {
      // The hash of a token that was accepted from this record: form and checksum are right.
      const selector = selectorIn(token)
      const held = selector === undefined ? undefined : cache.held(selector)
      if (held === undefined || !cache.isYoung(held.sentAt, recheck)) return undefined
      const known = held.views.get(hashOf(token))
      if (known !== undefined && clock.fast() < known.until) return known.session as Session<Data, User>
      return serve(verifier.peek(token))
    },

    async verify(token, { fresh = false } = {}) {
      const accepted = await verifier.verify(token, fresh)
      const session = serve(accepted)
      if (accepted !== undefined && session === undefined && listening())
        emit({ type: 'session-refused', reason: 'unknown', key: keyOfSelector(accepted.token.selector) })
      return session
    },

    isBusy: () => renewals.size > 0,
    async settle({ timeout = 1_000 } = {}) {
      if (renewals.size > 0) await atMost(runtime, timeout, Promise.allSettled(renewals))
    },
  }
}
