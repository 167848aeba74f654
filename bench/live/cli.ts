import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { dynamoDBStore } from '@warmtoken/adapters-aws/dynamodb'
import { apiGatewayConnections, dynamoDBSubscribers } from '@warmtoken/adapters-aws/live'
import { type LiveEvent, printEvent, webSocketPublisher } from '@warmtoken/core/live'
import { memoryStore } from '@warmtoken/core/memory'
import { LOCAL_CREDENTIALS } from '@warmtoken/local'
import { quantile, show } from '../run/numbers.ts'
import type { Receipt } from './receivers.ts'

/** Sockets, and events of each kind. */
const SOCKETS = Number(process.argv[2] ?? 200)
const EVENTS = 50
const PAUSE = 200
const PATIENCE = 60_000
/** The goals of direct publishing, and of the stream alone, in ms. */
const GOALS = { p50: 100, p99: 300 } as const
const STREAM_GOAL = 2_000

const root = fileURLToPath(new URL('../..', import.meta.url))
const home = mkdtempSync(join(tmpdir(), 'warmtoken-bench-'))
const signal = () => AbortSignal.timeout(PATIENCE)

/** `node --conditions=source bench/live/cli.ts`: publish to receipt over serverless-offline, receivers in another process. */
const serverless = createRequire(join(root, 'package.json')).resolve('serverless/bin/serverless.js')
const service = spawn(process.execPath, [serverless, 'offline', 'start', '--config', 'serverless.live.yml'], {
  cwd: root,
  env: { PATH: process.env['PATH'], HOME: home, SLS_TELEMETRY_DISABLED: '1', SLS_NOTIFICATIONS_MODE: 'off' },
  stdio: ['ignore', 'pipe', 'pipe'],
})
let output = ''
for (const stream of [service.stdout, service.stderr])
  stream.on('data', (chunk) => {
    // Only the start is read: what it logs later would fill the memory.
    if (!output.includes('stream of')) output += chunk
  })
while (!output.includes('stream of')) {
  if (service.exitCode !== null) throw new Error(output)
  await sleep(50)
}
const addressOf = (name: string): string => new RegExp(`${name} +(\\S+)`).exec(output)?.[1] ?? ''
const base = new URL(addressOf('posts, live')).origin

const user = JSON.stringify({ name: `bench-${process.pid}`, password: 'correct horse' })
const headers = { 'content-type': 'application/json' }
await fetch(`${base}/sign-up`, { method: 'POST', headers, body: user })
const signedIn = await fetch(`${base}/sign-in`, { method: 'POST', headers, body: user })
const cookie = signedIn.headers.getSetCookie()[0]?.split(';')[0] ?? ''

const receivers = spawn(
  process.execPath,
  ['--conditions=source', join(root, 'bench/live/receivers.ts'), base, addressOf('WebSocket'), cookie, String(SOCKETS)],
  { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] },
)
const receipts: Receipt[] = []
const connectedAt = performance.now()
await once(receivers, 'message')
const connecting = performance.now() - connectedAt
receivers.on('message', (one: Receipt) => void receipts.push(one))

const place = { region: 'us-east-1', credentials: LOCAL_CREDENTIALS }
const publisher = webSocketPublisher({
  store: memoryStore(),
  subscribers: dynamoDBSubscribers({ table: 'warmtoken-live-subscribers', endpoint: addressOf('DynamoDB'), ...place }),
  connections: apiGatewayConnections({ endpoint: addressOf('WebSocket').replace('ws:', 'http:'), ...place }),
})

/** Sends so many events and resolves to the times until each socket had each of them, in ms. */
async function measure(send: (n: number) => Promise<string>): Promise<readonly number[]> {
  const times: number[] = []
  for (let n = 0; n < EVENTS; n += 1) {
    receipts.length = 0
    const sentAt = performance.timeOrigin + performance.now()
    const key = await send(n)
    const isMine = (one: Receipt): boolean => one.key === key
    for (let waited = 0; receipts.filter(isMine).length < SOCKETS && waited < PATIENCE; waited += 5) await sleep(5)
    times.push(...receipts.filter(isMine).map(({ at }) => at - sentAt))
    await sleep(PAUSE)
  }
  return times
}

const direct = (n: number) => {
  const event: LiveEvent = {
    topic: 'tag:posts',
    key: `bench-${n}`,
    version: Date.now(),
    kind: 'publish',
    at: Date.now(),
  }
  return publisher.publish([event], { signal: signal() }).then(() => `bench-${n}`)
}
const post = async (n: number): Promise<string> => {
  const answer = await fetch(`${base}/posts`, { method: 'POST', headers: { cookie }, body: `post ${n}` })
  return ((await answer.json()) as { id: string }).id
}
const table = dynamoDBStore({ table: 'warmtoken-live', endpoint: addressOf('DynamoDB'), ...place })
/** A write that nobody publishes directly: only the stream of the table brings it. */
const write = async (n: number): Promise<string> => {
  const key = `bench-stream-${n}`
  const announce = printEvent({ topic: 'tag:posts', key, version: Date.now(), kind: 'publish', at: Date.now() })
  const swap = { expected: undefined, body: '{}', tag: randomUUID(), keepUntil: Date.now() + 600_000, announce }
  await table.swap(key, swap, { signal: signal() })
  return key
}
// The first of each loads code and opens connections.
await direct(-1)
await post(-1)
await write(-1)
await sleep(1_000)

const rows: readonly (readonly [string, readonly number[]])[] = [
  ['publish to receipt', await measure(direct)],
  ['POST, write and publish to receipt', await measure(post)],
  ['write to receipt, by the stream alone', await measure(write)],
]
console.log(`\n${SOCKETS} sockets, connected in ${show(connecting)} ms; ${EVENTS} events each\n`)
console.log('| | received | p50 ms | p99 ms |\n|---|---|---|---|')
for (const [name, times] of rows)
  console.log(
    `| ${name} | ${times.length} of ${SOCKETS * EVENTS} | ${show(quantile(times, 0.5))} | ${show(quantile(times, 0.99))} |`,
  )
console.log(`| goal of the first | all | ${GOALS.p50} | ${GOALS.p99} |`)
console.log(`| goal of the last | all | | ${STREAM_GOAL} |`)
const [first = [], , last = []] = rows.map(([, times]) => times)
const isMet =
  rows.every(([, times]) => times.length === SOCKETS * EVENTS) &&
  quantile(first, 0.5) <= GOALS.p50 &&
  quantile(first, 0.99) <= GOALS.p99 &&
  quantile(last, 0.99) <= STREAM_GOAL
process.exitCode = isMet ? 0 : 1

receivers.kill()
service.kill('SIGINT')
await once(service, 'exit')
rmSync(home, { recursive: true, force: true })
