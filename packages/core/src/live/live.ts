/**
 * Live events: tells browsers and processes that are awake what changed, tied to the committed write. Optional: nothing of
 * it is loaded by tokens, data or sessions.
 *
 * @module
 */

import type { Image, Runtime, Store, Swap } from '../contracts.ts'
import { checkOptions, durationRule, functionRule, shaped } from '../lib/options.ts'
import { asFields, asText, asTime, type Fields, parseJson } from '../lib/parse.ts'
import { systemRuntime } from '../lib/runtime.ts'
import { atMost, withDeadline } from '../lib/timing.ts'
import { createBus } from '../observe/bus.ts'
import { keyTopic, type LiveEvent, parseEvent, printEvent } from './event.ts'
import type { LiveListener, LiveNotice, Publisher } from './publisher.ts'

/** The most events that wait for a publisher; more are left to the stream. */
const MAX_WAITING = 1_000

/** How {@link createLive} is set up. Durations are in ms. */
export interface LiveOptions {
  /** Publishes directly after the write, in the background. Left out, only the stream of the table does. */
  readonly publisher?: Publisher
  /** How long one direct publishing may take. Default 2,000. */
  readonly timeout?: number
  /** Receives notices. Default none. */
  readonly onNotice?: LiveListener
  /** Clocks and timers; for tests. Default: the system's. */
  readonly runtime?: Runtime
}

/** Live events of one environment. Make it once, outside the handler. */
export interface Live {
  /**
   * The same store, whose writes are announced: published values, refused tokens, and whatever a swap announces on its
   * own. Hand it to `createTokens`, `createCache` and `createSessions`.
   */
  store(store: Store): Store
  /** Publishes events of your own, in the background. They are not tied to a write: prefer {@link LiveEvent} on a swap. */
  publish(...events: readonly LiveEvent[]): void
  /** Whether events are on their way. */
  readonly busy: boolean
  /** Waits for events on their way, at most `timeout` ms (default 1,000). Never rejects. */
  settle(options?: { readonly timeout?: number }): Promise<void>
}

const RULES = {
  publisher: shaped('publish'),
  timeout: durationRule,
  onNotice: functionRule,
  runtime: shaped('wall', 'monotonic', 'random', 'unique', 'after'),
}

/**
 * Makes live events. Throws `TypeError` that names a wrong option.
 *
 * @example
 * ```ts
 * const live = createLive({ publisher: webSocketPublisher({ subscribers, connections, store }) })
 * const tokens = createTokens({ store: live.store(dynamoDBStore({ table: 'tokens' })) })
 * ```
 */
export function createLive(options: LiveOptions = {}): Live {
  const { publisher, timeout = 2_000, onNotice, runtime = systemRuntime } = checkOptions('createLive', options, RULES)
  const { emit } = createBus<LiveNotice>(onNotice ? [onNotice] : [])
  const running = new Set<Promise<void>>()
  let waiting: LiveEvent[] = []

  /** One call at a time: what comes meanwhile goes together with the next. */
  const drain = async (to: Publisher): Promise<void> => {
    while (waiting.length > 0) {
      const events = waiting
      waiting = []
      const call = (signal: AbortSignal) => to.publish(events, { signal })
      const timed = await withDeadline(runtime, { ms: timeout, patient: true }, call)
      const count = events.length
      if (timed.outcome === 'done') emit({ type: 'live-published', publisher: to.name, count })
      else emit({ type: 'live-failed', publisher: to.name, count, code: codeOf(timed) })
    }
  }

  const publish = (...events: readonly LiveEvent[]): void => {
    if (publisher === undefined || events.length === 0) return
    const room = MAX_WAITING - waiting.length
    if (room < events.length) emit({ type: 'live-dropped', count: events.length - room })
    waiting.push(...events.slice(0, room))
    if (running.size > 0) return
    const run: Promise<void> = drain(publisher).finally(() => running.delete(run))
    running.add(run)
  }

  return {
    store: (store) => announce(store, runtime, publish),
    publish,
    get busy() {
      return running.size > 0
    },
    async settle({ timeout: most = 1_000 } = {}) {
      if (running.size > 0) await atMost(runtime, most, Promise.allSettled(running))
    },
  }
}

/** A code that is safe to show: never a message, which may quote what was sent. */
function codeOf(timed: { readonly outcome: string; readonly cause?: unknown }): string {
  const fields = asFields(timed.cause)
  return (
    asText(fields?.['code'], 64) ?? asText(fields?.['name'], 64) ?? (timed.outcome === 'failed' ? 'failed' : 'late')
  )
}

function announce(store: Store, runtime: Runtime, publish: (event: LiveEvent) => void): Store {
  return {
    ...store,
    async swap(key, swap, how) {
      const announced = swap.announce ?? printChange(key, swap, runtime.wall())
      const result = await store.swap(key, announced === undefined ? swap : { ...swap, announce: announced }, how)
      const event = result.outcome === 'swapped' ? parseEvent(announced) : undefined
      if (event !== undefined) publish(event)
      return result
    },
  }
}

/** What a swap of a token or a cached value changes for others: a new value, or the refusal of the last one. */
function printChange(key: string, { expected, body }: Pick<Swap, 'expected' | 'body'>, at: number): string | undefined {
  const after = factsOf(key, { body })
  if (after === undefined) return undefined
  const before = factsOf(key, expected)
  const event = (kind: 'publish' | 'reject', version: number) =>
    printEvent({ topic: keyTopic(key), key, version, kind, at })
  if (after.version > (before?.version ?? 0)) return event('publish', after.version)
  if (after.rejected > (before?.rejected ?? 0)) return event('reject', after.rejected)
  return undefined
}

/** The numbers of a record in plain sight; its value may be sealed. `undefined` when it is no such record. */
function factsOf(key: string, image: Pick<Image, 'body'> | undefined) {
  const fields: Fields | undefined = image && asFields(parseJson(image.body))
  if (fields?.['key'] !== key || asTime(fields['epoch']) === undefined) return undefined
  return { version: asTime(asFields(fields['value'])?.['version']) ?? 0, rejected: asTime(fields['rejected']) ?? 0 }
}

export type { Channel, ChannelListener } from './channel.ts'
export {
  keyTopic,
  type LiveEvent,
  type LiveKind,
  type LiveVersion,
  nextVersion,
  parseEvent,
  printEvent,
  userTopic,
} from './event.ts'
export { createFeed, type FeedOptions, type FeedRequest } from './feed.ts'
export { type LiveListener, type LiveNotice, type Publisher, publishToAll } from './publisher.ts'
export { type PushPage, type WebSocketPublisher, type WebSocketPublisherOptions, webSocketPublisher } from './push.ts'
export { createSockets, type LiveSession, type SocketAnswer, type SocketsOptions } from './sockets.ts'
export { type BatchAnswer, type StreamHandlerOptions, streamHandler, type Timed } from './stream.ts'
export { type CallOptions, type Connections, memorySubscribers, type Page, type Subscribers } from './subscribers.ts'
export { type CacheName, createVersions, rootTopic, type Versions, type VersionsOptions } from './versions.ts'
