import { redisStore } from '@warmtoken/adapters-redis'
import { seededRandom, startRedisFaultProxy, startRedisServer } from '@warmtoken/local'
import { Redis } from 'ioredis'
import { describe, expect, it } from 'vitest'
import { dynoxide } from '../stores/backends/dynamodb.ts'
import { onEach } from '../stores/each-backend.ts'
import { type History, playHistory } from './history.ts'

/** `pnpm test:long` plays them all. */
const OPERATIONS = process.env['WARMTOKEN_LONG'] === undefined ? 2_000 : 10_000
/** The share of requests whose connection is cut, before the server saw them and after. */
const CUT = 0.03

function expectClean(where: string, { violations, counts }: History): void {
  console.log(`${where}:`, counts)
  expect(violations).toEqual([])
  expect(counts.operations).toBeGreaterThanOrEqual(OPERATIONS)
  // It has tried what it is about.
  expect(counts.lost).toBeGreaterThan(OPERATIONS / 100)
  expect(counts.late).toBeGreaterThan(OPERATIONS / 1_000)
  expect(counts.writes).toBeGreaterThan(OPERATIONS / 2)
}

describe(`${OPERATIONS} mixed changes of collections whose answers get lost`, () => {
  onEach([dynoxide], (stage) => {
    it('are each applied once where they were acknowledged, and never twice', async () => {
      const { proxy, running } = stage()
      const random = seededRandom(7)
      proxy.rules.push(() =>
        random() < CUT ? { kind: 'reset', when: random() < 0.5 ? 'before' : 'after' } : undefined,
      )
      const connect = () => running.connect(proxy.url)
      const name = 'history'
      expectClean('dynoxide', await playHistory(connect, { operations: OPERATIONS, random: seededRandom(1), name }))
    }, 600_000)
  })

  it('on Redis: are each applied once where they were acknowledged, and never twice', async () => {
    const server = await startRedisServer()
    const proxy = await startRedisFaultProxy({ target: server.port })
    const clients: Redis[] = []
    const random = seededRandom(8)
    proxy.rules.push(() => (random() < CUT ? { kind: 'reset', when: random() < 0.5 ? 'before' : 'after' } : undefined))
    const connect = () =>
      redisStore({
        connect: () => {
          const client = new Redis({ port: proxy.port })
          clients.push(client)
          return client
        },
      })
    try {
      const name = 'history'
      expectClean('Redis', await playHistory(connect, { operations: OPERATIONS, random: seededRandom(2), name }))
    } finally {
      for (const client of clients) client.disconnect()
      await proxy.close()
      await server.close()
    }
  }, 600_000)
})
