/**
 * Sessions for the tokens that requests bring: who is it, and is it still good? Answered from memory within a stated
 * bound, revocable in seconds.
 *
 * @module
 */

import type { Json, StandardSchema } from '../contracts.ts'
import { createClock } from '../engine/time/clock.ts'
import { createServerClock } from '../engine/time/server-clock.ts'
import { WarmTokenError } from '../errors.ts'
import { checkOptions, durationOrZeroRule, misuse } from '../lib/options.ts'
import { systemRuntime } from '../lib/runtime.ts'
import { atMost } from '../lib/timing.ts'
import { createBus } from '../observe/bus.ts'
import { createRecordCache } from './cache.ts'
import { createDataCheck } from './data.ts'
import type { SessionEvent } from './events.ts'
import { isRenewalDue, judge } from './judge.ts'
import { resolveOptions, type SessionsOptions } from './options.ts'
import { isId, MAX_DATA, MAX_USER_DATA, MAX_USER_ID, type StoredSession, type UserRecord } from './record.ts'
import { createRecords, keyOfUser } from './records.ts'
import { createTokenCodec, hashOf, hideToken, keyOfSelector, selectorIn } from './token.ts'
import { addSession, removeSessions, renewSession, rotateSession } from './transitions.ts'
import type { Created, Session, Sessions } from './types.ts'
import { type Accepted, createVerifier } from './verify.ts'

export type { RefusalReason, SessionEvent, SessionListener } from './events.ts'
export type { SessionsOptions } from './options.ts'
export type { SessionToken } from './token.ts'
export type { Created, Session, Sessions } from './types.ts'

const ROTATE_RULES = { data: ['data', () => true] as const, grace: durationOrZeroRule }

/**
 * Makes sessions on a store. Throws `TypeError` that names the option when one is wrong or unknown.
 *
 * @example
 * ```ts
 * const sessions = createSessions({ store: dynamoDBStore({ table: 'sessions' }) })
 * const { token, session } = await sessions.create('user-1', { device: 'laptop' })
 * const found = sessions.peek(token.value) ?? (await sessions.verify(token.value))
 * await sessions.revokeAll('user-1', { except: session.id })
 * ```
 */
export function createSessions<Data = Json | undefined, User = Json | undefined>(
  options: SessionsOptions<Data, User>,
): Sessions<Data, User> {
  const given = resolveOptions(options)
  const { store, namespace, lifetimes, limit, runtime = systemRuntime } = given
  const { emit, listening } = createBus<SessionEvent>(given.listeners)
  const clock = createClock(runtime)
  const server = createServerClock(clock)
  const cache = createRecordCache(clock, given.remember)
  const tokens = createTokenCodec(given.key)
  const records = createRecords({ ...given, codec: given.codec, runtime, clock, server, cache, emit })
  const verifier = createVerifier({ ...given, tokens, records, cache, clock, server, emit })
  const data = createDataCheck('data', options.data as StandardSchema<unknown, Data> | undefined, MAX_DATA)
  const user = createDataCheck('user', options.user as StandardSchema<unknown, User> | undefined, MAX_USER_DATA)
  const renewals = new Set<Promise<unknown>>()
  if (store.forgets === true) emit({ type: 'store-forgets', store: store.name })

  /** `undefined` when the data is of an old shape. */
  const view = (key: string, record: UserRecord, session: StoredSession, own: Json | undefined) => {
    const parsed = [user.parse(record.user), data.parse(own)] as const
    const wrong = parsed.find((one) => one.outcome === 'refused')
    if (wrong?.outcome === 'refused') emit({ type: 'bad-data', key, path: wrong.path })
    const [first, second] = parsed
    if (first.outcome === 'refused' || second.outcome === 'refused') return undefined
    const { id, createdAt, seenAt, idleUntil, absoluteUntil } = session
    const times = { createdAt, seenAt, idleUntil, absoluteUntil }
    const made: Session<Data, User> = { id, userId: record.userId, user: first.value, data: second.value, ...times }
    return Object.freeze(made)
  }

  const serve = (accepted: Accepted | undefined): Session<Data, User> | undefined => {
    if (accepted === undefined) return undefined
    const { token, held, verdict } = accepted
    const { session, until } = verdict
    const { earliest, latest } = records.now()
    const isDue = isRenewalDue(session, earliest, lifetimes)
    if (isDue && clock.fast() >= held.renewAt) renew(accepted)
    const known = held.views.get(token.hash)?.session as Session<Data, User> | undefined
    const made = known ?? view(keyOfSelector(token.selector), held.record, session, verdict.data)
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
    held.renewAt = clock.fast() + Math.min(lifetimes.renewEvery, 5_000)
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

  const keyOf = (where: string, userId: string): string =>
    typeof userId === 'string' && userId !== '' && userId.length <= MAX_USER_ID
      ? keyOfUser(namespace, userId)
      : misuse(where, `the user id must be a text of 1 to ${MAX_USER_ID} characters`)

  const created = (key: string, record: UserRecord, text: string): Created<Data, User> => {
    const hash = hashOf(text)
    const stored = record.sessions.find((one) => one.hash === hash)
    const session = stored && view(key, record, stored, stored.data)
    if (stored === undefined || session === undefined)
      throw new TypeError('createSessions: a schema must accept what it gave; use one that does not transform')
    const maxAge = Math.max(0, stored.absoluteUntil - records.now().earliest)
    return { token: hideToken(text, session.id), session, maxAge }
  }

  return {
    async create(userId, given_, { user: shared } = {}) {
      const key = keyOf('create', userId)
      const own = data.write('create', given_)
      const sharedJson = shared === undefined ? undefined : user.write('create', shared)
      const tried = new Map<string, string>()
      const { record, text, evicted } = await records.change(key, (before, now, version) => {
        // An earlier attempt was applied, and its answer was lost.
        const mine = before?.sessions.find(({ hash }) => tried.has(hash))
        if (before !== undefined && mine !== undefined)
          return { record: undefined, result: { record: before, text: tried.get(mine.hash) ?? '', evicted: 0 } }
        const base = before ?? { userId, version, user: undefined, sessions: [] }
        if (limit.when === 'refuse' && base.sessions.length >= limit.most)
          throw new WarmTokenError(`this user has ${limit.most} sessions already (${key})`, {
            code: 'SESSION_LIMIT',
            key,
            retryable: false,
          })
        const minted = tokens.mint(key, version)
        const hash = hashOf(minted)
        tried.set(hash, minted)
        const next = addSession(
          { ...base, user: sharedJson === undefined ? base.user : sharedJson },
          { hash, id: hash.slice(0, 16), data: own },
          { now, lifetimes, most: limit.most },
        )
        // Before anything is written: nobody could use the session.
        if (sharedJson === undefined) user.write('create', next.user)
        const left = base.sessions.length + 1 - next.sessions.length
        return { record: next, result: { record: next, text: minted, evicted: left } }
      })
      const result = created(key, record, text)
      emit({ type: 'session-created', key, id: result.session.id, evicted })
      return result
    },

    peek(token) {
      // The hash of a token that was accepted from this record: form and checksum are right.
      const selector = selectorIn(token)
      const held = selector === undefined ? undefined : cache.held(selector)
      if (held === undefined || !cache.isYoung(held.sentAt, given.recheck)) return undefined
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

    async rotate(token, wanted = {}) {
      const { data: next, grace = 0 } = checkOptions('rotate', wanted, ROTATE_RULES)
      const own = next === undefined ? undefined : data.write('rotate', next as Data)
      const accepted = await verifier.verify(token, true)
      if (accepted === undefined) return undefined
      const key = keyOfSelector(accepted.token.selector)
      const tried = new Map<string, string>()
      const rotated = await records.change<{ record: UserRecord; text: string } | undefined>(
        key,
        (before, now, version) => {
          const mine = before?.sessions.find(({ hash }) => tried.has(hash))
          if (before !== undefined && mine !== undefined)
            return { record: undefined, result: { record: before, text: tried.get(mine.hash) ?? '' } }
          const verdict = before && judge(before, now, accepted.token.hash)
          if (before === undefined || verdict?.outcome !== 'accepted') return { record: undefined, result: undefined }
          const minted = tokens.mint(key, version)
          const hash = hashOf(minted)
          tried.set(hash, minted)
          const changed = { hash, grace, now, data: next === undefined ? verdict.session.data : own }
          const after = rotateSession(before, accepted.token.hash, changed)
          return { record: after, result: after && { record: after, text: minted } }
        },
      )
      if (rotated === undefined) return undefined
      const result = created(key, rotated.record, rotated.text)
      emit({ type: 'session-rotated', key, id: result.session.id })
      return result
    },

    async list(userId) {
      const key = keyOf('list', userId)
      const record = await records.change(key, (before) => ({ record: undefined, result: before }))
      const { latest } = records.now()
      return (record?.sessions ?? []).flatMap((one) => {
        const isOver = latest >= one.idleUntil || latest >= one.absoluteUntil
        const session = isOver || record === undefined ? undefined : view(key, record, one, one.data)
        return session === undefined ? [] : [session]
      })
    },

    async revoke(userId, id) {
      const key = keyOf('revoke', userId)
      if (!isId(id)) misuse('revoke', 'the id must be that of a session, 16 characters')
      return (await remove(key, (session) => session.id === id)) > 0
    },

    async revokeAll(userId, { except } = {}) {
      const key = keyOf('revokeAll', userId)
      if (except !== undefined && !isId(except)) misuse('revokeAll', 'option "except" must be the id of a session')
      return remove(key, (session) => session.id !== except)
    },

    async update(userId, change) {
      const key = keyOf('update', userId)
      if (typeof change !== 'function') misuse('update', 'give a function from the old data to the new')
      const isUpdated = await records.change(key, (before) => {
        if (before === undefined || before.sessions.length === 0) return { record: undefined, result: false }
        const parsed = user.parse(before.user)
        if (parsed.outcome === 'refused')
          throw new TypeError(`update: the user data in the record has another shape, at ${parsed.path}`)
        const next = user.write('update', change(parsed.value))
        return { record: { ...before, user: next }, result: true }
      })
      if (isUpdated) emit({ type: 'session-updated', key })
      return isUpdated
    },

    get busy() {
      return renewals.size > 0
    },
    async settle({ timeout = 1_000 } = {}) {
      if (renewals.size > 0) await atMost(runtime, timeout, Promise.allSettled(renewals))
    },
    emit,
  }

  async function remove(key: string, isRevoked: (session: StoredSession) => boolean): Promise<number> {
    const revoked = new Set<string>()
    await records.change(key, (before) => {
      for (const session of before?.sessions ?? []) if (isRevoked(session)) revoked.add(session.id)
      return { record: before && removeSessions(before, isRevoked), result: undefined }
    })
    if (revoked.size > 0) emit({ type: 'session-revoked', key, count: revoked.size })
    return revoked.size
  }
}
