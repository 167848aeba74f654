import { dynamoDBStore } from '@warmtoken/adapters-aws/dynamodb'
import { apiGatewayConnections, dynamoDBSubscribers, lambdaPages } from '@warmtoken/adapters-aws/live'
import type { Store } from '@warmtoken/core'
import { createTickets } from '@warmtoken/core/authorizer'
import {
  createFeed,
  createLive,
  createSockets,
  createVersions,
  type LiveListener,
  type SocketAnswer,
  webSocketPublisher,
} from '@warmtoken/core/live'
import { logEvents } from '@warmtoken/core/log'
import { createSessions, type Sessions } from '@warmtoken/core/sessions'
import { type Device, sessions as plainSessions, type Roles } from '../accounts/composition.ts'
import { createPosts, POSTS } from './posts.ts'

// The composition root of live events: the one place that reads their environment.
const { env } = process
const need = (name: string): string => {
  const value = env[name]
  if (!value) throw new Error(`The environment variable ${name} is missing or empty`)
  return value
}

/** Tokens, sessions, connections, posts, and how far the stream was published. */
export const table: Store = dynamoDBStore({ table: need('TOKEN_TABLE'), env })
const subscribers = dynamoDBSubscribers({ table: need('SUBSCRIBER_TABLE'), env })
const connections = apiGatewayConnections({ endpoint: need('LIVE_ENDPOINT'), env })
const pageFunction = env['LIVE_PUSH_FUNCTION']

/** What is lost or closed is in the log of the function, as lines of JSON. */
const onNotice: LiveListener = logEvents({
  debug: () => {},
  info: (line) => console.info(JSON.stringify(line)),
  warn: (line) => console.warn(JSON.stringify(line)),
  error: (line) => console.error(JSON.stringify(line)),
})

/** Sends to sockets. */
export const publisher = webSocketPublisher({
  store: table,
  subscribers,
  connections,
  sessions: plainSessions,
  onNotice,
  ...(pageFunction && { more: lambdaPages({ functionName: pageFunction, env }) }),
})

/** Publishes in the background; the stream of the table does it again. `LIVE_DIRECT=false` leaves it to the stream. */
export const live = createLive(env['LIVE_DIRECT'] === 'false' ? {} : { publisher, onNotice })

/** The same sessions, whose end also closes their sockets at once. */
export const sessions: Sessions<Device, Roles> = createSessions<Device, Roles>({ store: live.store(table) })

/** The posts of all users. */
export const posts = createPosts(live.store(table))

/** Each opens one connection. */
export const tickets = createTickets({ store: table, sessions })

const versions = createVersions({ store: table, of: async () => posts.versions() })
const mayRead = (_session: unknown, topic: string): boolean => topic === POSTS

/** The handler of the socket's routes. */
export const sockets: (event: unknown) => Promise<SocketAnswer> = createSockets({
  store: table,
  subscribers,
  connections,
  versions,
  mayRead,
  origins: need('LIVE_ORIGINS').split(','),
  onNotice,
})

/** Serves Server-Sent Events. */
export const feed = createFeed({
  redeem: tickets.redeem,
  versions,
  mayRead,
  isGood: async ({ userId, id }) => (await sessions.list(userId)).some((session) => session.id === id),
})

/** Where a page finds both transports. */
export const urls = { ws: env['LIVE_WS_URL'] ?? '', sse: env['LIVE_FEED_URL'] ?? '' }
