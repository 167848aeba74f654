import type { Image, Runtime, Store, Swapped } from '../contracts.ts'
import { StoreError } from '../errors.ts'
import { builtin } from '../lib/builtin.ts'
import { makeKey } from '../lib/key.ts'
import { checkOptions, durationRule, misuse, shaped, textRule } from '../lib/options.ts'
import { asFields, asText, asTime, matches, parseJson } from '../lib/parse.ts'
import { systemRuntime } from '../lib/runtime.ts'
import { withDeadline } from '../lib/timing.ts'
import type { Session, Sessions } from '../sessions/types.ts'

const SCHEMA = 1
/** Random bytes of a ticket. */
const BYTES = 32
/** How often a write is repeated whose answer is lost. */
const MAX_REPEATS = 4
/** How long the backend keeps a ticket that has ended, in ms. */
const KEEP = 3_600_000

/** How {@link createTickets} is set up. Durations are in ms. */
export interface TicketsOptions<Data, User> {
  /** The store that the whole fleet shares. It may be that of the sessions. */
  readonly store: Store
  /** The sessions that tickets stand for. */
  readonly sessions: Pick<Sessions<Data, User>, 'list'>
  /** How long a ticket is good. Default 30,000. */
  readonly lifetime?: number
  /** Separates two applications in one store. Default: none. */
  readonly namespace?: string
  /** How long one request to the store may take. Default 1,000. */
  readonly storeTimeout?: number
  /** Clocks and timers; for tests. Default: the system's. */
  readonly runtime?: Runtime
}

/** Tickets: each opens one connection for one session, once. */
export interface Tickets<Data, User> {
  /** Resolves to a new ticket for a session. A secret, good for seconds. */
  issue(session: Pick<Session<Data, User>, 'userId' | 'id'>): Promise<string>
  /**
   * Spends a ticket. Resolves to its session, as the store has it now; `undefined` when the ticket is not good, was
   * spent, or the session has ended. Rejects with `StoreError` when the store cannot be used.
   */
  redeem(ticket: unknown): Promise<Session<Data, User> | undefined>
}

const RULES = {
  store: shaped('read', 'swap'),
  sessions: shaped('list'),
  lifetime: durationRule,
  namespace: textRule,
  storeTimeout: durationRule,
  runtime: shaped('wall', 'monotonic', 'random', 'unique', 'after'),
}

/**
 * Tickets for WebSockets: a browser cannot send a header with `$connect`, and gateways log query strings. A ticket may be
 * logged, because it is spent by then. Throws `TypeError` that names a wrong option.
 *
 * @example
 * ```ts
 * const tickets = createTickets({ store, sessions })
 * const url = `wss://live.example.com?ticket=${await tickets.issue(session)}`
 * ```
 */
export function createTickets<Data, User>(options: TicketsOptions<Data, User>): Tickets<Data, User> {
  const given = checkOptions('createTickets', options, RULES, ['store', 'sessions'])
  const { store, sessions, lifetime = 30_000, namespace = '', storeTimeout = 1_000, runtime = systemRuntime } = given

  /** The record's key holds a hash, so that nobody who can read the store can use a ticket. */
  const keyOf = (ticket: string): string => makeKey('ticket', namespace, ticket)

  const request = async <T>(key: string, call: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> => {
    await store.open?.()
    const timed = await withDeadline(runtime, { ms: storeTimeout, patient: true }, call)
    if (timed.outcome === 'done') return timed.value
    if (timed.outcome !== 'failed') return undefined
    throw new StoreError(`the ${store.name} store failed for ${key}`, { key, retryable: true })
  }

  const read = async (key: string) => {
    const seen = await request(key, (signal) => store.read(key, { signal, consistent: true }))
    return seen ?? failed(key)
  }

  const failed = (key: string): never => {
    throw new StoreError(`the ${store.name} store did not answer in time for ${key}`, {
      key,
      retryable: true,
      code: 'STORE_TIMEOUT',
    })
  }

  /** True when this write was applied: of two that expect the same image, one. */
  const write = async (key: string, body: object, expected: Image | undefined, keepUntil: number): Promise<boolean> => {
    const swap = { expected, body: JSON.stringify({ schema: SCHEMA, ...body }), tag: runtime.unique(), keepUntil }
    for (let repeat = 0; repeat < MAX_REPEATS; repeat += 1) {
      const swapped: Swapped | undefined = await request(key, (signal) => store.swap(key, swap, { signal }))
      if (swapped === undefined || swapped.outcome === 'unknown') continue
      return swapped.outcome === 'swapped' || swapped.seen.image?.tag === swap.tag
    }
    return failed(key)
  }

  return {
    async issue({ userId, id }) {
      if (!matches(userId, /^.{1,256}$/s) || !matches(id, /^.{1,64}$/)) misuse('issue', 'give a session')
      const ticket = builtin('crypto').randomBytes(BYTES).toString('base64url')
      const key = keyOf(ticket)
      const { time } = await read(key)
      const expiry = (time?.at ?? runtime.wall()) + lifetime
      if (!(await write(key, { userId, id, expiry }, undefined, expiry + KEEP))) failed(key)
      return ticket
    },

    async redeem(ticket) {
      if (!matches(ticket, /^[\w-]{43}$/)) return undefined
      const key = keyOf(ticket)
      const { image, time } = await read(key)
      const fields = image && asFields(parseJson(image.body))
      const [userId, id, expiry] = [
        asText(fields?.['userId'], 256),
        asText(fields?.['id'], 64),
        asTime(fields?.['expiry']),
      ]
      if (fields?.['schema'] !== SCHEMA || userId === undefined || id === undefined || expiry === undefined)
        return undefined
      const now = time === undefined ? runtime.wall() : time.at + time.precision
      // A ticket that was spent has no session.
      if (now >= expiry || !(await write(key, { expiry }, image, expiry + KEEP))) return undefined
      return (await sessions.list(userId)).find((session) => session.id === id)
    },
  }
}
