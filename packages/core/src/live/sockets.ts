import type { Runtime, Store } from '../contracts.ts'
import { checkOptions, durationRule, functionRule, misuse, type Rule, shaped, textRule } from '../lib/options.ts'
import { asFields, asText, type Fields, parseJson } from '../lib/parse.ts'
import { systemRuntime } from '../lib/runtime.ts'
import { withDeadline } from '../lib/timing.ts'
import { createBus } from '../observe/bus.ts'
import { createConnectionRecords, MAX_TOPICS } from './connection-records.ts'
import { isTopic, userTopic } from './event.ts'
import { createFloodGate } from './flood-gate.ts'
import type { LiveListener, LiveNotice } from './publisher.ts'
import { request } from './request.ts'
import type { Connections, Subscribers } from './subscribers.ts'
import type { Versions } from './versions.ts'

/** What a socket speaks, as its subprotocol. */
export const PROTOCOL = 'warmtoken.live.1'
/** The longest frame of a client, in bytes, and the most topics in it. */
const MAX_FRAME = 32 * 1024
const MAX_TOPICS_A_FRAME = 20
/** The longest that API Gateway keeps a connection, and some more, in ms. */
const CONNECTION_LIFE = 130 * 60_000

/** Whom a connection belongs to. */
export interface LiveSession {
  readonly userId: string
  readonly id: string
  /** What the authorizer passed on besides. */
  readonly data: unknown
}

/** How {@link createSockets} is set up. */
export interface SocketsOptions {
  /** The store of the connections' records. It may be that of the tokens. */
  readonly store: Store
  readonly subscribers: Subscribers
  readonly connections: Connections
  readonly versions: Versions
  /** The sites that may connect, such as `https://app.example.com`. A caller without `Origin` is no browser, and needs its ticket too. */
  readonly origins: readonly string[]
  /** Whether a session may follow a topic. Asked for every topic but that of the user. Default: none other. */
  readonly mayRead?: (session: LiveSession, topic: string) => boolean | Promise<boolean>
  /** The namespace of `createSessions`, which is in the topics of users. Default: none. */
  readonly sessionNamespace?: string
  /** Separates two applications in one store. Default: none. */
  readonly namespace?: string
  /** How long one request may take, in ms. Default 2,000. */
  readonly timeout?: number
  readonly onNotice?: LiveListener
  readonly runtime?: Runtime
}

/** What the handler answers. */
export interface SocketAnswer {
  readonly statusCode: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** Why a connection is closed. `retry`: whether to connect again makes sense. */
type Closing = readonly [code: string, retry: boolean]

const originsRule: Rule = [
  'a list of origins such as "https://app.example.com"',
  (value) => Array.isArray(value) && value.every((one) => URL.parse(String(one))?.origin === one),
]
const RULES = {
  store: shaped('read', 'swap'),
  subscribers: shaped('add', 'drop', 'page'),
  connections: shaped('post', 'close'),
  versions: functionRule,
  origins: originsRule,
  mayRead: functionRule,
  sessionNamespace: textRule,
  namespace: textRule,
  timeout: durationRule,
  onNotice: functionRule,
  runtime: shaped('wall', 'monotonic', 'random', 'unique', 'after'),
}
const REQUIRED = ['store', 'subscribers', 'connections', 'versions', 'origins']

/**
 * The handler of the routes `$connect`, `$disconnect` and `$default` of a WebSocket API whose `$connect` is authorized by a
 * ticket (`webSocketAuthorizer`) and whose answers go back (`routeResponseSelectionExpression: $default`). What breaks the
 * rules gets a frame `{ closing: { code, retry } }`, and the connection ends. Throws `TypeError` that names a wrong option.
 */
export function createSockets(options: SocketsOptions): (event: unknown) => Promise<SocketAnswer> {
  const given = checkOptions('createSockets', options, RULES, REQUIRED)
  const { subscribers, connections, versions, origins, mayRead = () => false, timeout = 2_000 } = given
  const { runtime = systemRuntime } = given
  const { emit } = createBus<LiveNotice>(given.onNotice ? [given.onNotice] : [])
  const records = createConnectionRecords({ ...given, timeout, runtime })
  const isFlood = createFloodGate(runtime)

  const onSubscribers = (call: (signal: AbortSignal) => Promise<void>): Promise<void> =>
    request({ runtime, timeout, what: `the subscribers on ${subscribers.name}` }, call)
  /** Best effort: the connection may be gone already. */
  const onConnection = (call: (signal: AbortSignal) => Promise<unknown>): Promise<unknown> =>
    withDeadline(runtime, { ms: timeout, patient: true }, call)

  const close = async (connection: string, [code, retry]: Closing): Promise<SocketAnswer> => {
    const text = JSON.stringify({ closing: { code, retry } })
    // The frame first: a close by the gateway has no code of its own.
    await onConnection((signal) => connections.post(connection, text, { signal }))
    await onConnection((signal) => connections.close(connection, { signal }))
    await records.remove(connection)
    emit({ type: 'live-closed', code })
    return { statusCode: 200 }
  }

  const connect = async (connection: string, event: Fields): Promise<SocketAnswer> => {
    const headers = headersOf(event)
    const origin = headers['origin']
    const session = sessionOf(event)
    if (session === undefined || (origin !== undefined && !origins.includes(origin))) return { statusCode: 403 }
    const until = runtime.wall() + CONNECTION_LIFE
    const topic = userTopic(session.userId, given.sessionNamespace)
    await records.change(connection, () => ({ user: session.userId, session: session.id, topics: [topic], until }))
    await onSubscribers((signal) => subscribers.add([topic], connection, until, { signal }))
    const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((one) => one.trim())
    return { statusCode: 200, ...(offered.includes(PROTOCOL) && { headers: { 'Sec-WebSocket-Protocol': PROTOCOL } }) }
  }

  const isAllowed = async (session: LiveSession, topics: readonly string[]): Promise<boolean> => {
    const own = userTopic(session.userId, given.sessionNamespace)
    const answers = await Promise.all(topics.map((topic) => topic === own || mayRead(session, topic)))
    return answers.every((answer) => answer === true)
  }

  /** Resolves to why not, `undefined` when the connection follows the topics now. */
  const subscribe = async (connection: string, topics: readonly string[]): Promise<Closing | undefined> => {
    let refused: Closing | undefined
    let until = 0
    await records.change(connection, (record) => {
      const all = [...new Set([...(record?.topics ?? []), ...topics])]
      refused = undefined
      if (record === undefined) refused = ['unknown-connection', true]
      else if (all.length > MAX_TOPICS) refused = ['too-many-topics', false]
      if (record === undefined || refused !== undefined) return undefined
      until = record.until
      return { ...record, topics: all }
    })
    if (refused === undefined) await onSubscribers((signal) => subscribers.add(topics, connection, until, { signal }))
    return refused
  }

  const unsubscribe = async (connection: string, topics: readonly string[]): Promise<void> => {
    await onSubscribers((signal) => subscribers.drop(topics, connection, { signal }))
    await records.change(
      connection,
      (record) => record && { ...record, topics: record.topics.filter((topic) => !topics.includes(topic)) },
    )
  }

  const act = async (connection: string, event: Fields, frame: Frame): Promise<SocketAnswer> => {
    const { action, id, topics } = frame
    if (action === 'ping') return answer({ pong: id })
    const session = sessionOf(event)
    if (session === undefined) return close(connection, ['unknown-connection', true])
    if (action === 'unsubscribe') {
      await unsubscribe(connection, topics)
      return answer({ ack: id })
    }
    if (!(await isAllowed(session, topics))) return close(connection, ['forbidden', false])
    const refused = action === 'subscribe' ? await subscribe(connection, topics) : undefined
    if (refused !== undefined) return close(connection, refused)
    // Read after the index was written: an event that came between is in these versions, a later one is pushed.
    return answer({ ack: id, versions: await versions(topics) })
  }

  return async (event) => {
    const fields = asFields(event) ?? {}
    const context = asFields(fields['requestContext'])
    const connection = asText(context?.['connectionId'], 128)
    if (connection === undefined) return misuse('createSockets', 'the event is none of a WebSocket API')
    const route = context?.['routeKey']
    if (route === '$connect') return connect(connection, fields)
    if (route === '$disconnect') {
      await records.remove(connection)
      return { statusCode: 200 }
    }
    if (isFlood(connection)) return close(connection, ['too-many-frames', true])
    const frame = parseFrame(fields['body'])
    return typeof frame === 'string' ? close(connection, [frame, false]) : act(connection, fields, frame)
  }
}

function answer(body: object): SocketAnswer {
  return { statusCode: 200, body: JSON.stringify(body) }
}

interface Frame {
  readonly action: string
  readonly id: number
  readonly topics: readonly string[]
}

const ACTIONS: readonly unknown[] = ['subscribe', 'unsubscribe', 'versions', 'ping']

/** The frame in a text, or the code of what is wrong with it. */
function parseFrame(body: unknown): Frame | string {
  if (typeof body !== 'string') return 'bad-frame'
  if (Buffer.byteLength(body) > MAX_FRAME) return 'frame-too-long'
  const fields = asFields(parseJson(body))
  const { action, id, topics = [] } = fields ?? {}
  if (!ACTIONS.includes(action) || !Number.isSafeInteger(id)) return 'bad-frame'
  if (!Array.isArray(topics) || (topics.length === 0 && action !== 'ping')) return 'bad-frame'
  if (topics.length > MAX_TOPICS_A_FRAME) return 'too-many-topics'
  if (!topics.every(isTopic)) return 'unknown-topic'
  return { action: String(action), id: Number(id), topics: [...new Set(topics)] }
}

/** The session as `webSocketAuthorizer` put it into the context. */
function sessionOf(event: Fields): LiveSession | undefined {
  const context = asFields(asFields(event['requestContext'])?.['authorizer'])
  const [userId, id] = [asText(context?.['user'], 256), asText(context?.['session'], 64)]
  if (!userId || !id) return undefined
  return { userId, id, data: parseJson(asText(context?.['data'], 65_536) ?? 'null') }
}

function headersOf(event: Fields): Readonly<Record<string, string>> {
  const headers = Object.entries(asFields(event['headers']) ?? {})
  return Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), String(value)]))
}
