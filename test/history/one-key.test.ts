import { setTimeout as sleep } from 'node:timers/promises'
import { dynamoDBStore } from '@warmtoken/adapters-aws/dynamodb'
import { redisStore } from '@warmtoken/adapters-redis'
import {
  startDynamoDB,
  startFaultProxy,
  startRedisFaultProxy,
  startRedisServer,
  type TcpFaultProxy,
} from '@warmtoken/local'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { makeProgram, type Program } from '../stores/fleet/program.ts'
import { type Member, PROCESS, playOneKey, type Run } from './one-key-fleet.ts'
import { WINDOW } from './one-key-protocol.ts'

const PROCESSES = 50
/** How long they run, and how long a token lives, in ms. */
const RUN = 12_000
const LIFETIME = 2_000
/** Between two cuts of all connections, and how long a process is frozen, in ms. */
const CUT = 200
/** How long a server is away, and how long all is well in between, in ms. */
const OUTAGE = 1_500
const CALM = 1_000
const FREEZE = 1_500

let program: Program
beforeAll(async () => {
  program = await makeProgram(PROCESS)
})
afterAll(() => program.close())

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close()
})

async function startRedis(): Promise<TcpFaultProxy> {
  const server = await startRedisServer()
  const proxy = await startRedisFaultProxy({ target: server.port })
  open.push(server, proxy)
  return proxy
}

function tagAt(port: number): (key: string) => Promise<string | undefined> {
  const store = redisStore({ connect: () => new Redis({ port }) })
  return async (key) => (await store.read(key, { signal: AbortSignal.timeout(5_000), consistent: true })).image?.tag
}

/** How many tokens one environment alone would have fetched. */
function lifetimes({ elapsed }: Run): number {
  return Math.floor(elapsed / (LIFETIME - WINDOW)) + 1
}

function tell(what: string, { elapsed, nonces, history, fared }: Run, more: object = {}): void {
  const sum = (of: (one: Run['fared'][number]) => number): number => fared.reduce((total, one) => total + of(one), 0)
  console.log(`${what}:`, {
    elapsed: Math.round(elapsed),
    fetches: nonces.length,
    served: sum((one) => one.served),
    failures: fared.flatMap((one) => one.failures),
    alone: sum((one) => one.alone),
    dead: sum((one) => one.dead),
    ...history.counts,
    ...more,
  })
}

describe('fifty processes that keep one token warm over Redis', () => {
  test('fetch once a lifetime', { timeout: 120_000 }, async () => {
    const { port } = await startRedis()
    const meanwhile = (): Promise<void> => sleep(RUN)
    const run = await playOneKey(program, {
      processes: PROCESSES,
      redis: port,
      lifetime: LIFETIME,
      finalTag: tagAt(port),
      meanwhile,
    })
    tell('calm', run)
    expect(run.history.violations).toEqual([])
    expect(run.nonces.length).toBeLessThanOrEqual(lifetimes(run))
    expect(run.nonces.length).toBe(run.history.counts.publishes)
    expect(run.fared.flatMap(({ failures, dead }) => [...failures, ...Array(dead).fill('dead')])).toEqual([])
    expect(run.fared.every(({ served }) => served > 10)).toBe(true)
  })

  test('fetch at most once more for each holder that is frozen, while every connection is cut every 200 ms', {
    timeout: 120_000,
  }, async () => {
    const proxy = await startRedis()
    const { port } = proxy
    const frozen = new Set<Promise<void>>()
    let holders = 0
    let fetches = 0
    const freeze = (member: Member): void => {
      const thawed = member.freeze(FREEZE).finally(() => frozen.delete(thawed))
      frozen.add(thawed)
    }
    const run = await playOneKey(program, {
      processes: PROCESSES,
      redis: port,
      lifetime: LIFETIME,
      finalTag: tagAt(port),
      onFetch(member) {
        fetches += 1
        // Every other holder is frozen while the issuer answers.
        if (fetches % 2 === 1) return
        holders += 1
        freeze(member)
      },
      async meanwhile(members) {
        const endsAt = performance.now() + RUN
        for (let turn = 0; performance.now() < endsAt; turn += 1) {
          proxy.breakConnections('reset')
          const member = members[(turn * 7) % members.length]
          if (member !== undefined) freeze(member)
          await sleep(CUT)
        }
        await Promise.all(frozen)
      },
    })
    tell('cut and frozen', run, { holders })
    expect(run.history.violations).toEqual([])
    expect(holders).toBeGreaterThan(0)
    expect(run.nonces.length).toBeLessThanOrEqual(lifetimes(run) + holders)
    expect(run.fared.flatMap(({ failures }) => failures)).toEqual([])
  })
})

describe('sixteen processes that keep one token warm in DynamoDB, with Redis before it', () => {
  test('leave one clean chain and are all served while either is killed and comes back', {
    timeout: 120_000,
  }, async () => {
    let redis = await startRedisServer()
    const { port } = redis
    const dynamodb = await startDynamoDB({ tables: ['tokens'] })
    const proxy = await startFaultProxy({ target: dynamodb.url })
    open.push(dynamodb, proxy, { close: () => redis.close() })
    const place = { endpoint: dynamodb.url, region: 'us-east-1' }
    const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
    const authority = dynamoDBStore({ table: 'tokens', ...place, credentials })
    const run = await playOneKey(program, {
      processes: 16,
      redis: port,
      dynamodb: proxy.url,
      lifetime: LIFETIME,
      finalTag: async (key) =>
        (await authority.read(key, { signal: AbortSignal.timeout(5_000), consistent: true })).image?.tag,
      async meanwhile() {
        for (let turn = 0; turn < 2; turn += 1) {
          await sleep(CALM)
          await redis.close()
          await sleep(OUTAGE)
          // It has forgotten everything.
          redis = await startRedisServer({ port })
          await sleep(CALM)
          proxy.rules.push(() => ({ kind: 'reset', when: 'before' }))
          await sleep(OUTAGE)
          proxy.rules.length = 0
        }
        await sleep(CALM)
      },
    })
    tell('either away', run)
    const alone = run.fared.reduce((sum, one) => sum + one.alone, 0)
    expect(run.history.violations).toEqual([])
    expect(run.history.counts.publishes).toBeGreaterThan(2)
    // Nobody fetches beside the lease but while the authority is out of reach.
    expect(run.nonces.length).toBeLessThanOrEqual(run.history.counts.publishes + run.history.counts.unused + alone)
    expect(run.fared.flatMap(({ failures, dead }) => [...failures, ...Array(dead).fill('dead')])).toEqual([])
  })
})
