import { join } from 'node:path'
import { startDynamoDB, startDynoxide } from '@warmtoken/local'
import { freePort } from './free-port.ts'
import { startFunctionUrl } from './function-url.ts'
import { createTableWithStream, readStream } from './live-tables.ts'
import { startEventSource } from './stream-source.ts'
import { startTap } from './stream-tap.ts'

const TABLE = 'warmtoken-live'
const SUBSCRIBERS = 'warmtoken-live-subscribers'

/** Where the functions run. */
export interface LivePlace {
  /** The folder of their bundles. */
  readonly code: string
  readonly httpPort: number
  readonly lambdaPort: number
  readonly websocketPort: number
  /** The name of a function in the Lambda endpoint. */
  readonly nameOf: (key: string) => string
  /** What the functions have in their environment besides. */
  readonly environment: Readonly<Record<string, string>>
}

/** What live events need on this machine. */
export interface LiveStack {
  readonly environment: Readonly<Record<string, string>>
  /** Lines that say what runs where. */
  readonly lines: readonly string[]
  close(): Promise<void>
}

/** Starts the database with its stream, the event source behind it, and the function URL of the feed. */
export async function startLiveStack(place: LivePlace): Promise<LiveStack> {
  const { httpPort, lambdaPort, websocketPort, nameOf } = place
  const database = await startDatabase()
  const feedPort = await freePort(3003)
  const lambda = `http://127.0.0.1:${lambdaPort}`
  const socket = `127.0.0.1:${websocketPort}`
  const environment = {
    TOKEN_TABLE: TABLE,
    SUBSCRIBER_TABLE: SUBSCRIBERS,
    AWS_REGION: 'us-east-1',
    AWS_ENDPOINT_URL_DYNAMODB: database.url,
    AWS_ENDPOINT_URL_LAMBDA: lambda,
    LIVE_ENDPOINT: `http://${socket}`,
    LIVE_WS_URL: `ws://${socket}`,
    LIVE_FEED_URL: `http://127.0.0.1:${feedPort}/`,
    LIVE_ORIGINS: `http://127.0.0.1:${httpPort},http://localhost:${httpPort}`,
    LIVE_PUSH_FUNCTION: nameOf('push'),
  }
  const feed = await startFunctionUrl({
    file: join(place.code, 'functions/live/feed.js'),
    port: feedPort,
    env: { ...place.environment, ...environment },
  })
  const source = startEventSource({
    read: database.read,
    url: `${lambda}/2015-03-31/functions/${nameOf('stream')}/invocations`,
  })
  return {
    environment,
    lines: [
      `posts, live      http://127.0.0.1:${httpPort}/live   (open it in two tabs)`,
      `WebSocket        ${environment.LIVE_WS_URL}`,
      `event stream     ${environment.LIVE_FEED_URL}`,
      `DynamoDB         ${database.url}`,
      `stream of        ${database.name}`,
    ],
    async close() {
      await source.close()
      await Promise.all([feed.close(), database.close()])
    },
  }
}

/** With real streams where the program for them exists, else with a tap that sees announced writes. */
async function startDatabase() {
  const real = await startDynoxide().catch(() => undefined)
  const server = real ?? (await startDynamoDB())
  await createTableWithStream(server.url, TABLE, [['pk', 'HASH']])
  await createTableWithStream(server.url, SUBSCRIBERS, [
    ['topic', 'HASH'],
    ['connection', 'RANGE'],
  ])
  if (real !== undefined) {
    const read = await readStream(real.url, TABLE)
    return { name: 'dynoxide', url: real.url, read, close: () => real.close() }
  }
  const tap = await startTap(server.url, TABLE)
  const close = async (): Promise<void> => {
    await tap.close()
    await server.close()
  }
  return { name: 'dynalite, by a tap', url: tap.url, read: tap.read, close }
}
