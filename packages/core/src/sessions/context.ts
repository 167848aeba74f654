import type { Json, Runtime, StandardSchema } from '../contracts.ts'
import { type Clock, createClock } from '../engine/time/clock.ts'
import { createServerClock } from '../engine/time/server-clock.ts'
import { misuse } from '../lib/options.ts'
import { systemRuntime } from '../lib/runtime.ts'
import { createBus } from '../observe/bus.ts'
import { createRecordCache, type RecordCache } from './cache.ts'
import { createDataCheck, type DataCheck } from './data.ts'
import type { SessionEvent, SessionListener } from './events.ts'
import { type ResolvedOptions, resolveOptions, type SessionsOptions } from './options.ts'
import { MAX_DATA, MAX_USER_DATA, MAX_USER_ID, type StoredSession, type UserRecord } from './record.ts'
import { createRecords, keyOfUser, type Records } from './records.ts'
import { createTokenCodec, type TokenCodec } from './token.ts'
import type { Session } from './types.ts'
import { createVerifier, type Verifier } from './verify.ts'

/** What all calls of one `createSessions` share. Built once. */
export interface SessionContext<Data, User> extends Pick<ResolvedOptions, 'lifetimes' | 'limit' | 'recheck'> {
  readonly runtime: Runtime
  readonly clock: Clock
  readonly cache: RecordCache
  readonly tokens: TokenCodec
  readonly records: Records
  readonly verifier: Verifier
  readonly data: DataCheck<Data>
  readonly user: DataCheck<User>
  readonly emit: SessionListener
  readonly listening: () => boolean
  /** The key of a user's record. Throws `TypeError` for what is not a user id. */
  readonly keyOf: (where: string, userId: string) => string
  /** A session as a handler sees it, with data `own`; `undefined` when its data, or the user's, is of an old shape. */
  readonly view: (owner: Owner, session: StoredSession, own: Json | undefined) => Session<Data, User> | undefined
}

/** Whose session it is: a record, and its key. */
export interface Owner {
  readonly key: string
  readonly record: UserRecord
}

/** Checks the options, and makes what the calls share. Throws `TypeError` that names the option. */
export function createSessionContext<Data, User>(options: SessionsOptions<Data, User>): SessionContext<Data, User> {
  const given = resolveOptions(options)
  const { store, namespace, lifetimes, limit, recheck, runtime = systemRuntime } = given
  const { emit, listening } = createBus<SessionEvent>(given.listeners)
  const clock = createClock(runtime)
  const server = createServerClock(clock)
  const cache = createRecordCache(clock, given.remember)
  const tokens = createTokenCodec(given.key)
  const records = createRecords({ ...given, codec: given.codec, runtime, clock, server, cache, emit })
  const verifier = createVerifier({ ...given, tokens, records, cache, clock, server, emit })
  const data = createDataCheck('data', options.data as StandardSchema<unknown, Data> | undefined, MAX_DATA)
  const user = createDataCheck('user', options.user as StandardSchema<unknown, User> | undefined, MAX_USER_DATA)
  if (store.forgets === true) emit({ type: 'store-forgets', store: store.name })

  const keyOf = (where: string, userId: string): string =>
    typeof userId === 'string' && userId !== '' && userId.length <= MAX_USER_ID
      ? keyOfUser(namespace, userId)
      : misuse(where, `the user id must be a string of 1 to ${MAX_USER_ID} characters`)

  const view: SessionContext<Data, User>['view'] = ({ key, record }, session, own) => {
    const parsed = [user.parse(record.user), data.parse(own)] as const
    const wrong = parsed.find((one) => one.outcome === 'refused')
    if (wrong?.outcome === 'refused') emit({ type: 'bad-data', key, path: wrong.path })
    const [first, second] = parsed
    if (first.outcome === 'refused' || second.outcome === 'refused') return undefined
    const { id, createdAt, seenAt, idleUntil, absoluteUntil } = session
    const times = { createdAt, seenAt, idleUntil, absoluteUntil }
    return Object.freeze({ id, userId: record.userId, user: first.value, data: second.value, ...times })
  }

  const made = { runtime, clock, cache, tokens, records, verifier, data, user, emit, listening, keyOf, view }
  return { lifetimes, limit, recheck, ...made }
}
