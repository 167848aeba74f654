import type { Runtime } from '../contracts.ts'
import { checkOptions, durationRule, functionRule, shaped } from '../lib/options.ts'
import { asFields, asText, parseJson } from '../lib/parse.ts'
import { systemRuntime } from '../lib/runtime.ts'
import { sleep } from '../lib/timing.ts'
import { type Channel, openEar } from './channel.ts'
import { MAX_TOPICS } from './connection-records.ts'
import { isTopic, userTopic } from './event.ts'
import type { LiveSession } from './sockets.ts'
import { createTold } from './told.ts'
import type { Versions } from './versions.ts'

/** The longest body of a request, and the longest id of a frame in it, in characters. */
const MAX_BODY = 32 * 1024
const MAX_ID = 64
/** The longest stream: what a function may run, less a minute, in ms. */
const MAX_LENGTH = 14 * 60_000
/** How often versions are read while a channel is heard, in ms: nothing repeats what a channel has lost. */
const RECHECK = 30_000

/** How {@link createFeed} is set up. Durations are in ms. */
export interface FeedOptions {
  /** Spends the ticket of a request: `redeem` of `createTickets`. */
  readonly redeem: (ticket: unknown) => Promise<{ readonly userId: string; readonly id: string } | undefined>
  readonly versions: Versions
  /** Whether a session may follow a topic. Asked for every topic but that of the user. Default: none other. */
  readonly mayRead?: (session: LiveSession, topic: string) => boolean | Promise<boolean>
  /**
   * Where announced writes are published: `redisChannel` or `upstashChannel`. Events are passed on as they come then. Default:
   * none, versions are read instead.
   */
  readonly channel?: Channel
  /** How often versions are read while no channel is heard. Default 1,000. */
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
  /** JSON: `{ ticket, topics }`, and `lastEventId`, the `id` of the last frame that the viewer has. */
  readonly body: unknown
  /** The header `last-event-id`, where the viewer sends it as such. */
  readonly lastEventId?: string | undefined
  /** Writes a part of the answer; rejects when nobody reads any more. */
  readonly write: (text: string) => void | Promise<void>
  /** Ends the stream. */
  readonly signal: AbortSignal
}

const RULES = {
  redeem: functionRule,
  versions: functionRule,
  mayRead: functionRule,
  channel: shaped('listen'),
  every: durationRule,
  length: [
    'ms > 0, at most 840,000',
    (value: unknown) => durationRule[1](value) && Number(value) <= MAX_LENGTH,
  ] as const,
  heartbeat: durationRule,
  isGood: functionRule,
  sessionNamespace: ['a string', (value: unknown) => typeof value === 'string'] as const,
  runtime: shaped('wall', 'monotonic', 'random', 'unique', 'after'),
}

/**
 * Serves Server-Sent Events: the versions of the topics, then events as the channel brings them; without a channel, whatever
 * rises, read every second. So nothing can be lost between two streams. A viewer that names the last frame it has gets
 * no versions again that have not changed. One viewer occupies one environment: for consoles and some ten viewers. Throws
 * `TypeError` that names a wrong option.
 */
export function createFeed(options: FeedOptions): (request: FeedRequest) => Promise<void> {
  const given = checkOptions('createFeed', options, RULES, ['redeem', 'versions'])
  const { redeem, versions, mayRead = () => false, channel } = given
  const { every = 1_000, length = 60_000, heartbeat = 10_000 } = given
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
    if (!allowed.every((one) => one === true)) return { code: 'forbidden' }
    return { session, topics: [...new Set(topics)].sort(), last: asText(fields['lastEventId'], MAX_ID) }
  }

  return async ({ body, lastEventId, write, signal: gone }) => {
    const admitted = await admit(body)
    const say = async (message: object, id?: string) =>
      write(`${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(message)}\n\n`)
    const close = (code: string, retry: boolean) => say({ closing: { code, retry } })
    if ('code' in admitted) return close(admitted.code, admitted.code === 'bad-ticket')
    const { session, topics, last = lastEventId } = admitted
    const over = new AbortController()
    const end = (): void => over.abort()
    gone.addEventListener('abort', end)
    let isRung = false
    let ring = (): void => {}
    const wake = (): void => {
      isRung = true
      ring()
    }
    gone.addEventListener('abort', wake)
    const ear = await openEar({ channel, runtime, wake, signal: over.signal })
    const told = createTold(topics)

    /** Waits `ms`, or until something has happened since the flag was cleared. */
    const rest = async (ms: number): Promise<void> => {
      const rung = new AbortController()
      ring = () => rung.abort()
      if (!isRung) await sleep(runtime, ms, rung.signal)
    }

    try {
      ear.take()
      const first = await versions(topics)
      told.risen(first)
      await say(told.id() === last ? { ack: 0 } : { ack: 0, versions: first }, told.id())
      const startedAt = runtime.monotonic()
      let [beatAt, readAt] = [startedAt, startedAt]
      while (!gone.aborted && runtime.monotonic() - startedAt < length) {
        isRung = false
        const taken = ear.take()
        const events: object[] = taken.events.filter(told.isNews)
        const isDue = runtime.monotonic() - readAt >= (ear.isOpen() ? RECHECK : every)
        if (taken.missed || isDue) {
          readAt = runtime.monotonic()
          const risen = told.risen(await versions(topics))
          events.push(...risen.map((one) => ({ ...one, kind: 'publish', at: runtime.wall() })))
        }
        if (events.length > 0) await say({ events }, told.id())
        const now = runtime.monotonic()
        if (now - beatAt >= heartbeat) {
          beatAt = now
          if (!(await isGood(session))) return await close('session-ended', false)
          await write(': here\n\n')
        }
        const nextRead = readAt + (ear.isOpen() ? RECHECK : every)
        const next = Math.min(nextRead, beatAt + heartbeat, startedAt + length)
        await rest(Math.max(0, next - runtime.monotonic()))
      }
      if (!gone.aborted) await close('over', true)
    } finally {
      gone.removeEventListener('abort', end)
      gone.removeEventListener('abort', wake)
      end()
    }
  }
}

type Admitted =
  | { readonly code: string }
  | {
      readonly session: { readonly userId: string; readonly id: string }
      readonly topics: readonly string[]
      readonly last: string | undefined
    }
