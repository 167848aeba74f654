/** What live events cost in a month, by formulas, how long one event takes to reach everyone, and which engine that advises. @module */

import { OperatorError } from '../exit.ts'
import { bill, type CostLine, type Placement, placement } from './bill.ts'
import type { Prices } from './prices.ts'

/** Up to so many sockets a topic, pages of 1,000 are sent by a few functions within a second or so. */
export const MAX_SOCKETS = 10_000
/** Up to so many viewers, a function for each of them is worth it. */
const MAX_STREAMS = 50
/** Posts a second that an account may send to sockets by default, and connections that it may open. */
const POSTS_A_SECOND = 10_000
const CONNECTS_A_SECOND = 500
/** How long a socket lives until the client opens the next, in minutes. */
const SOCKET_MINUTES = 110
/** Write units of one connection: its record twice, its two subscriptions, and their end. */
const WRITES_A_CONNECTION = 7
/** Subscribers that one read unit of 4 KB holds. */
const SUBSCRIBERS_A_READ = 40
/** GB of a function that streams, and for how many minutes it does. */
const STREAM_GB = 0.125
const STREAM_MINUTES = 1

type PriceName = keyof Prices['dollarsPerMillion']

/** What determines the bill of live events. */
export interface Audience {
  /** Viewers at once. */
  readonly viewers: number
  /** Hours that each is connected, a month. */
  readonly hours: number
  /** Events a minute that each receives. */
  readonly events: number
}

/** What live events cost, and what they ask for. */
export interface LivePlan {
  readonly placements: readonly Placement[]
  /** Until one event has reached everyone, and until everyone is connected again, in seconds. */
  readonly reachesAllIn: number
  readonly reconnectIn: number
  /** Sentences. */
  readonly advice: readonly string[]
}

/** Plans live events. Throws when the prices lack one that is needed, by its name. */
export function planLive({ viewers, hours, events }: Audience, prices: Prices): LivePlan {
  const minutes = viewers * hours * 60
  const messages = minutes * events
  const connections = minutes / SOCKET_MINUTES
  const reads = hours * 60 * events * Math.ceil(viewers / SUBSCRIBERS_A_READ)
  const line = (what: string, requests: number, price: PriceName, formula: string): CostLine =>
    bill(what, { requests, each: priceOf(prices, price) / 1e6, formula })
  const socket = (message: 'webSocketMessage' | 'appSyncOperation', minute: 'webSocketMinute' | 'appSyncMinute') => [
    line('messages', messages, message, 'connection minutes × events a minute'),
    line('connection minutes', minutes, minute, 'viewers × hours × 60'),
  ]
  return {
    placements: [
      placement('WebSockets of API Gateway', [
        ...socket('webSocketMessage', 'webSocketMinute'),
        line(
          'writes of subscriptions',
          connections * WRITES_A_CONNECTION,
          'dynamodbWriteUnit',
          `${WRITES_A_CONNECTION} × connection minutes ÷ ${SOCKET_MINUTES}`,
        ),
        line('reads of subscribers', reads, 'dynamodbReadUnit', `events × viewers ÷ ${SUBSCRIBERS_A_READ}`),
      ]),
      placement('AppSync Events or IoT Core', socket('appSyncOperation', 'appSyncMinute')),
      placement('Server-Sent Events by functions', [
        line('GB-seconds', minutes * 60 * STREAM_GB, 'lambdaGbSecond', `connection minutes × 60 × ${STREAM_GB} GB`),
        line('streams', minutes / STREAM_MINUTES, 'lambdaRequest', `connection minutes ÷ ${STREAM_MINUTES}`),
      ]),
    ],
    reachesAllIn: viewers / POSTS_A_SECOND,
    reconnectIn: viewers / CONNECTS_A_SECOND,
    advice: adviceFor(viewers),
  }
}

function adviceFor(viewers: number): readonly string[] {
  const streams =
    viewers <= MAX_STREAMS
      ? 'Server-Sent Events are fine for so few: one function runs for each viewer.'
      : `Server-Sent Events would keep ${viewers.toLocaleString('en-US')} functions running; use them where sockets fail.`
  if (viewers <= MAX_SOCKETS)
    return ['Use the WebSockets of API Gateway: no other service, and revocation closes sockets.', streams]
  return [
    `Above ${MAX_SOCKETS.toLocaleString('en-US')} sockets a topic, keep topics, versions and listeners, and change the Publisher:`,
    'AppSync Events (no fan-out code), IoT Core (devices with MQTT), Momento or Upstash (any cloud),',
    'Ably or Pusher (presence, history), Centrifugo (servers of your own). See docs/live-events.md.',
    streams,
  ]
}

function priceOf({ dollarsPerMillion }: Prices, name: PriceName): number {
  const price = dollarsPerMillion[name]
  if (price !== undefined && Number.isFinite(price) && price >= 0) return price
  throw new OperatorError(`the file of prices lacks "dollarsPerMillion.${name}", a number of US dollars`)
}
