import type { Runtime } from '../contracts.ts'
import { checkOptions, durationRule, functionRule, shaped } from '../lib/options.ts'
import { asFields, asText, parseJson } from '../lib/parse.ts'
import { systemRuntime } from '../lib/runtime.ts'
import { sleep } from '../lib/timing.ts'
import { MAX_TOPICS } from './connection-records.ts'
import { isTopic, type LiveVersion, userTopic } from './event.ts'
import type { LiveSession } from './sockets.ts'
import type { Versions } from './versions.ts'

const MAX_BODY = 32 * 1024
/** The longest stream: what a function may run, less a minute, in ms. */
const MAX_LENGTH = 14 * 60_000

/** How {@link createFeed} is set up. Lengths are in ms. */
export interface FeedOptions {
  /** Spends the ticket of a request: `redeem` of `createTickets`. */
  readonly redeem: (ticket: unknown) => Promise<{ readonly userId: string; readonly id: string } | undefined>
  readonly versions: Versions
  /** Whether a session may follow a topic. Asked for every topic but that of the user. Default: none other. */
  readonly mayRead?: (session: LiveSession, topic: string) => boolean | Promise<boolean>
  /** How often versions are read. Default 1,000. */
  readonly every?: number
  /** When a stream ends itself. A viewer that has left does not end it, and all of it is billed. Default 60,000; at most 840,000. */
  readonly length?: number
  /** How often a comment is written, so that both ends see that the other is there. Default 10,000. */
  readonly heartbeat?: number
  /** Whether a session is still good; asked at every heartbeat. Default: it is, until the stream ends. */
  readonly isGood?: (session: { readonly userId: string; readonly id: string }) => Promise<boolean>
  /** The namespace of `createSessions`. Default: none. */
  readonly sessionNamespace?: string
  readonly runtime?: Runtime
}

/** One request for a stream. */
export interface FeedRequest {
  /** JSON: `{ ticket, topics }`. */
  readonly body: unknown
  /** Writes a part of the answer; rejects when nobody reads any more. */
  readonly write: (text: string) => void | Promise<void>
  /** Ends the stream. */
  readonly signal: AbortSignal
}

const RULES = {
  redeem: functionRule,
  versions: functionRule,
  mayRead: functionRule,
  every: durationRule,
  length: [
    'ms > 0, at most 840,000',
    (value: unknown) => durationRule[1](value) && Number(value) <= MAX_LENGTH,
  ] as const,
  heartbeat: durationRule,
  isGood: functionRule,
  sessionNamespace: ['a text', (value: unknown) => typeof value === 'string'] as const,
  runtime: shaped('wall', 'monotonic', 'random', 'unique', 'after'),
}

/**
 * Serves Server-Sent Events: the versions of the topics, then whatever rises. It reads the store every second, so that nothing
 * can be lost between two streams. One viewer occupies one environment: for consoles and some ten viewers. Throws
 * `TypeError` that names a wrong option.
 */
export function createFeed(options: FeedOptions): (request: FeedRequest) => Promise<void> {
  const given = checkOptions('createFeed', options, RULES, ['redeem', 'versions'])
  const { redeem, versions, mayRead = () => false, every = 1_000, length = 60_000, heartbeat = 10_000 } = given
  const { isGood = async () => true, runtime = systemRuntime } = given

  const admit = async (body: unknown): Promise<Admitted> => {
    const fields = typeof body === 'string' && body.length <= MAX_BODY ? asFields(parseJson(body)) : undefined
    const topics = fields?.['topics']
    if (fields === undefined) return { code: 'bad-frame' }
    if (!Array.isArray(topics) || topics.length === 0) return { code: 'bad-frame' }
    if (topics.length > MAX_TOPICS) return { code: 'too-many-topics' }
    if (!topics.every(isTopic)) return { code: 'unknown-topic' }
    const session = await redeem(asText(fields['ticket'], 128))
    if (session === undefined) return { code: 'bad-ticket' }
    const own = userTopic(session.userId, given.sessionNamespace)
    const asked = { userId: session.userId, id: session.id, data: session }
    const allowed = await Promise.all(topics.map((topic) => topic === own || mayRead(asked, topic)))
    return allowed.every((one) => one === true) ? { session, topics: [...new Set(topics)] } : { code: 'forbidden' }
  }

  return async ({ body, write, signal }) => {
    const admitted = await admit(body)
    const say = (message: object) => write(`data: ${JSON.stringify(message)}\n\n`)
    if ('code' in admitted) return say({ closing: { code: admitted.code, retry: admitted.code === 'bad-ticket' } })
    const { session, topics } = admitted
    const first = await versions(topics)
    const risen = createRisen(first)
    await say({ ack: 0, versions: first })
    const startedAt = runtime.monotonic()
    let beatAt = startedAt
    while (!signal.aborted && runtime.monotonic() - startedAt < length) {
      await sleep(runtime, every, signal)
      if (signal.aborted) return
      const events = risen(await versions(topics)).map((one) => ({ ...one, kind: 'publish', at: runtime.wall() }))
      if (events.length > 0) await say({ events })
      if (runtime.monotonic() - beatAt < heartbeat) continue
      beatAt = runtime.monotonic()
      if (!(await isGood(session))) return say({ closing: { code: 'session-ended', retry: false } })
      await write(': here\n\n')
    }
    await say({ closing: { code: 'over', retry: true } })
  }
}

type Admitted =
  | { readonly code: string }
  | { readonly session: { readonly userId: string; readonly id: string }; readonly topics: readonly string[] }

/** Returns of the versions those that are higher than before. It knows as many as the topics have. */
function createRisen(first: readonly LiveVersion[]) {
  const name = ({ topic, key }: LiveVersion): string => JSON.stringify([topic, key])
  let known = new Map(first.map((one) => [name(one), one.version]))
  return (current: readonly LiveVersion[]): readonly LiveVersion[] => {
    const risen = current.filter((one) => one.version > (known.get(name(one)) ?? 0))
    known = new Map(current.map((one) => [name(one), one.version]))
    return risen
  }
}
