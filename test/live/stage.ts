import { redisChannel, redisPublisher } from '@warmtoken/adapters-redis/live'
import type { Json, Store } from '@warmtoken/core'
import { createTickets, type Tickets, webSocketAuthorizer } from '@warmtoken/core/authorizer'
import {
  createFeed,
  createLive,
  createSockets,
  createVersions,
  type Live,
  type LiveNotice,
  type LiveVersion,
  memorySubscribers,
  type Publisher,
  type Subscribers,
  webSocketPublisher,
} from '@warmtoken/core/live'
import { memoryStore } from '@warmtoken/core/memory'
import { createSessions, type Sessions } from '@warmtoken/core/sessions'
import { Redis } from 'ioredis'
import { type Behind, type Gateway, startGateway } from './gateway.ts'

export const POSTS = 'tag:posts'

interface StageOptions {
  /** Where the server of Redis is: events go over its channel then, and to event streams alone. */
  readonly redis?: number | undefined
  readonly wrap?: (publisher: Publisher) => Publisher
  readonly mayRead?: (topic: string) => boolean
}

/** The parts of a stage. */
export interface Stage {
  readonly gateway: Gateway
  readonly behind: Behind
  readonly store: Store
  readonly table: Store
  readonly subscribers: Subscribers
  readonly truth: Map<string, number>
  readonly publisher: Publisher
  readonly live: Live
  readonly sessions: Sessions
  readonly tickets: Tickets<Json | undefined, Json | undefined>
  readonly notices: readonly LiveNotice[]
}

/** All parts in this process, over real sockets and streams. `wrap`: a publisher of the test's own around the real one. */
export async function startStage({
  wrap = (one) => one,
  mayRead = (topic) => topic === POSTS,
  redis,
}: StageOptions = {}): Promise<Stage> {
  const notices: LiveNotice[] = []
  const onNotice = (notice: LiveNotice): void => void notices.push(notice)
  const behind: Behind = {}
  const gateway = await startGateway(behind)
  const { connections } = gateway
  const table = memoryStore()
  const subscribers = memorySubscribers()
  /** What the store has of the topic `tag:posts`. */
  const truth = new Map<string, number>()
  const plain = createSessions({ store: table })
  const publisher = webSocketPublisher({ store: table, subscribers, connections, sessions: plain, onNotice })
  const connect = () => new Redis({ port: redis ?? 0, lazyConnect: true })
  const live = createLive({
    publisher: wrap(redis === undefined ? publisher : redisPublisher({ connect })),
    onNotice,
  })
  const store = live.store(table)
  const sessions = createSessions({ store })
  const tickets = createTickets({ store: table, sessions })
  const of = async (): Promise<readonly LiveVersion[]> =>
    [...truth].map(([key, version]) => ({ topic: POSTS, key, version }))
  const versions = createVersions({ store: table, of })
  const allowed = (_session: unknown, topic: string): boolean => mayRead(topic)
  behind.authorizer = webSocketAuthorizer(tickets)
  behind.handler = createSockets({
    store: table,
    subscribers,
    connections,
    versions,
    mayRead: allowed,
    origins: ['https://app.example.com'],
    onNotice,
  })
  behind.feed = createFeed({
    redeem: tickets.redeem,
    versions,
    mayRead: allowed,
    heartbeat: 100,
    // With a channel, nothing is found by reading versions again and again.
    ...(redis === undefined ? { every: 20 } : { every: 3_600_000, channel: redisChannel({ connect }) }),
  })
  return { gateway, table, store, subscribers, truth, publisher, live, sessions, tickets, notices, behind }
}
