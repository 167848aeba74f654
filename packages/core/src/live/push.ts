import type { Runtime, Store } from '../contracts.ts'
import { StoreError } from '../errors.ts'
import { checkOptions, countRule, durationRule, functionRule, shaped, textRule } from '../lib/options.ts'
import { asFields, asText } from '../lib/parse.ts'
import { systemRuntime } from '../lib/runtime.ts'
import { sleep, withDeadline } from '../lib/timing.ts'
import { createBus } from '../observe/bus.ts'
import { createConnectionRecords } from './connection-records.ts'
import { eventOf, type LiveEvent } from './event.ts'
import type { LiveListener, LiveNotice, Publisher } from './publisher.ts'
import { request } from './request.ts'
import type { Connections, Page, Subscribers } from './subscribers.ts'

/** Ids a page: one invocation sends to so many. */
const PAGE = 1_000
/** Posts that are in progress at once. */
const IN_FLIGHT = 50
/** The longest frame, in bytes: API Gateway bills by it. */
const MAX_FRAME = 32 * 1024
/** How often a post is repeated that was refused for its rate, and the pause before the first repeat, in ms. */
const MAX_REPEATS = 3
const FIRST_PAUSE = 100
/** Pages of one topic that are sent from one process, where nothing takes the further ones. */
const MAX_PAGES = 1_000
/** How long one post may take, in ms. */
const POST_TIMEOUT = 2_000

/** A further page of a topic: what an invocation of the push function is given. */
export interface PushPage {
  readonly topic: string
  readonly events: readonly LiveEvent[]
  readonly cursor: string
}

/** How {@link webSocketPublisher} is set up. */
export interface WebSocketPublisherOptions {
  /** The store of the connections' records: that of `createSockets`. */
  readonly store: Store
  readonly subscribers: Subscribers
  readonly connections: Connections
  /** Whose sockets are closed when their session has ended. Left out, none are. */
  readonly sessions?: { list(userId: string): Promise<readonly { readonly id: string }[]> }
  /** Hands a further page to another invocation, which calls `deliver`. Default: this process sends all pages. */
  readonly more?: (page: PushPage) => Promise<void>
  /** Connections a page. Default 1,000. */
  readonly pageSize?: number
  /** How long one request to the store may take, in ms. Default 2,000. */
  readonly timeout?: number
  /** Separates two applications in one store. Default: none. */
  readonly namespace?: string
  readonly onNotice?: LiveListener
  readonly runtime?: Runtime
}

/** A publisher that sends to the sockets of a gateway. */
export interface WebSocketPublisher extends Publisher {
  /** Sends one further page. Throws `TypeError` for anything else: it comes from another function. */
  deliver(page: unknown, options: { readonly signal: AbortSignal }): Promise<void>
}

const RULES = {
  store: shaped('read', 'swap'),
  subscribers: shaped('add', 'drop', 'page'),
  connections: shaped('post', 'close'),
  sessions: shaped('list'),
  more: functionRule,
  pageSize: countRule,
  timeout: durationRule,
  namespace: textRule,
  onNotice: functionRule,
  runtime: shaped('wall', 'monotonic', 'random', 'unique', 'after'),
}

/**
 * Publishes to the connections that follow the topics of the events: those of a batch go to a connection as one frame.
 * Connections that are gone are forgotten; those of a session that has ended are closed. Throws `TypeError` that names a
 * wrong option.
 */
export function webSocketPublisher(options: WebSocketPublisherOptions): WebSocketPublisher {
  const given = checkOptions('webSocketPublisher', options, RULES, ['store', 'subscribers', 'connections'])
  const { subscribers, connections, sessions, more, pageSize = PAGE, timeout = 2_000, runtime = systemRuntime } = given
  const { emit } = createBus<LiveNotice>(given.onNotice ? [given.onNotice] : [])
  const records = createConnectionRecords({ ...given, timeout, runtime })

  const post = async (connection: string, text: string, signal: AbortSignal) => {
    for (let attempt = 0; ; attempt += 1) {
      const timed = await withDeadline(runtime, { ms: POST_TIMEOUT, signal, patient: true }, (inner) =>
        connections.post(connection, text, { signal: inner }),
      )
      if (timed.outcome !== 'done') return 'failed'
      if (timed.value !== 'throttled' || attempt === MAX_REPEATS) return timed.value
      await sleep(runtime, FIRST_PAUSE * 2 ** attempt * (0.5 + runtime.random()), signal)
    }
  }

  const forget = async (connection: string): Promise<void> => {
    await records.remove(connection)
    emit({ type: 'live-gone', count: 1 })
  }

  /** Sends frames to connections, some at a time. Resolves to the events of those that may not have arrived. */
  const send = async (frames: ReadonlyMap<string, readonly LiveEvent[]>, signal: AbortSignal): Promise<Unsent> => {
    const texts = new Map<readonly LiveEvent[], readonly string[]>()
    const unsent = new Set<LiveEvent>()
    let failed = 0
    let dropped = 0
    await atOnce([...frames], async ([connection, events]) => {
      const parts = texts.get(events) ?? framesOf(events)
      texts.set(events, parts)
      for (const text of parts) {
        const outcome = await post(connection, text, signal)
        if (outcome === 'throttled') dropped += 1
        if (outcome === 'failed') {
          failed += 1
          for (const event of events) unsent.add(event)
        }
        if (outcome === 'gone') return forget(connection)
      }
    })
    if (dropped > 0) emit({ type: 'live-dropped', count: dropped })
    return { frames: failed, events: [...unsent] }
  }

  /** Closes those of the connections whose session has ended, and says so first: a close has no code of its own. */
  const closeEnded = async (ids: readonly string[], signal: AbortSignal): Promise<void> => {
    if (sessions === undefined) return
    const alive = new Map<string, Promise<ReadonlySet<string>>>()
    await atOnce(ids, async (connection) => {
      const record = await records.read(connection)
      if (record === undefined) return
      const { user, session } = record
      const list = alive.get(user) ?? sessions.list(user).then((all) => new Set(all.map(({ id }) => id)))
      alive.set(user, list)
      if ((await list).has(session)) return
      await post(connection, JSON.stringify({ closing: { code: 'session-ended', retry: false } }), signal)
      await connections.close(connection, { signal })
      await records.remove(connection)
      emit({ type: 'live-closed', code: 'session-ended' })
    })
  }

  const pageOf = (topic: string, cursor: string | undefined, signal: AbortSignal): Promise<Page> =>
    request({ runtime, timeout, signal, what: `the subscribers on ${subscribers.name}`, key: topic }, (inner) =>
      subscribers.page(topic, cursor, pageSize, { signal: inner }),
    )

  /** Sends the page at each cursor, merged by connection. Resolves to the pages that follow, and to what may not have arrived. */
  const sendPages = async (pages: readonly Step[], signal: AbortSignal) => {
    const found = await Promise.all(
      pages.map(async (step) => ({ ...step, ...(await pageOf(step.topic, step.cursor, signal)) })),
    )
    const unsent = await send(mergeByConnection(found), signal)
    for (const { events, connections: ids } of found)
      if (events.some(({ kind }) => kind === 'session-ended')) await closeEnded(ids, signal)
    const next = found.flatMap(({ topic, events, next }) =>
      next === undefined ? [] : [{ topic, events, cursor: next }],
    )
    return { next, unsent }
  }

  /** A frame that fails holds up no other page: all of them are sent, then what is missing is named. */
  const sendAll = async (first: readonly Step[], signal: AbortSignal): Promise<void> => {
    const missing: Unsent[] = []
    let steps = first
    for (let page = 0; page < MAX_PAGES && steps.length > 0; page += 1) {
      const { next, unsent } = await sendPages(steps, signal)
      missing.push(unsent)
      steps = more === undefined ? next : []
      if (more !== undefined) await Promise.all(next.map((one) => more(one)))
    }
    const frames = missing.reduce((sum, unsent) => sum + unsent.frames, 0)
    if (frames === 0) return
    const error = new StoreError(`${frames} frames may not have arrived`, { key: 'live', retryable: true })
    throw Object.assign(error, { unsent: [...new Set(missing.flatMap(({ events }) => events))] })
  }

  return {
    name: `websocket(${connections.name})`,
    publish: async (events, { signal }) => {
      const topics = Map.groupBy(newest(events), ({ topic }) => topic)
      await sendAll(
        [...topics].map(([topic, all]) => ({ topic, events: all, cursor: undefined })),
        signal,
      )
    },
    deliver: async (page, { signal }) => sendAll([parsePage(page)], signal),
  }
}

/** What may not have arrived. */
interface Unsent {
  readonly frames: number
  readonly events: readonly LiveEvent[]
}

interface Step {
  readonly topic: string
  readonly events: readonly LiveEvent[]
  readonly cursor: string | undefined
}

/** Of several events of one key, the last says it all; their order is kept. */
function newest(events: readonly LiveEvent[]): readonly LiveEvent[] {
  const last = new Map<string, LiveEvent>()
  for (const event of events) {
    const name = JSON.stringify([event.topic, event.key, event.kind])
    const before = last.get(name)
    if (before === undefined || event.version > before.version) last.set(name, event)
  }
  return [...last.values()]
}

function mergeByConnection(
  pages: readonly { readonly events: readonly LiveEvent[]; readonly connections: readonly string[] }[],
): ReadonlyMap<string, readonly LiveEvent[]> {
  const frames = new Map<string, readonly LiveEvent[]>()
  for (const { events, connections } of pages)
    for (const connection of connections) {
      const before = frames.get(connection)
      // The same list for all who get the same: it becomes text once.
      frames.set(connection, before === undefined ? events : [...before, ...events])
    }
  return frames
}

/** The frames that hold these events, each at most 32 KB. */
function framesOf(events: readonly LiveEvent[]): readonly string[] {
  const whole = JSON.stringify({ events })
  if (events.length <= 1 || Buffer.byteLength(whole) <= MAX_FRAME) return [whole]
  const middle = Math.ceil(events.length / 2)
  return [...framesOf(events.slice(0, middle)), ...framesOf(events.slice(middle))]
}

async function atOnce<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
  let next = 0
  const work = async (): Promise<void> => {
    for (let item = items[next]; item !== undefined; item = items[next]) {
      next += 1
      await act(item)
    }
  }
  await Promise.all(Array.from({ length: Math.min(IN_FLIGHT, items.length) }, work))
}

function parsePage(page: unknown): Step {
  const fields = asFields(page)
  const [topic, cursor] = [asText(fields?.['topic'], 256), asText(fields?.['cursor'], 2_048)]
  const listed = Array.isArray(fields?.['events']) ? (fields['events'] as unknown[]) : []
  const events = listed.flatMap((one) => eventOf(asFields(one) ?? {}) ?? [])
  if (topic === undefined || cursor === undefined || events.length === 0)
    throw new TypeError('deliver: give a page { topic, events, cursor } as "more" got it')
  return { topic, events, cursor }
}
