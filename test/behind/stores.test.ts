import { redisStore } from '@warmtoken/adapters-redis'
import type { Store } from '@warmtoken/core'
import { memoryStore } from '@warmtoken/core/memory'
import { type BehindEvent, type WriteBehindOptions, writeBehind } from '@warmtoken/core/write-behind'
import { startRedisServer } from '@warmtoken/local'
import { Redis } from 'ioredis'
import { afterEach, describe, expect, it } from 'vitest'
import { dynalite, dynoxide } from '../stores/backends/dynamodb.ts'
import { s3StandIn } from '../stores/backends/s3.ts'
import { upstashOverRedis } from '../stores/backends/upstash.ts'
import { onEach } from '../stores/each-backend.ts'

/** Environments on one store, and a truth that honors numbers. */
function fleet(connect: () => Store) {
  const name = `t-${crypto.randomUUID().slice(0, 8)}`
  const truth = new Map<string, { readonly values: unknown[]; last: number }>()
  const events: BehindEvent[] = []
  const environment = <V>(options: Partial<WriteBehindOptions<'item:{id}', V>> = {}) =>
    writeBehind<'item:{id}', V>({
      store: connect(),
      name,
      key: 'item:{id}',
      // Requests queue for long where the tests of others keep the processors busy.
      storeTimeout: 30_000,
      timeout: 60_000,
      applyTimeout: 30_000,
      mayLose: true,
      apply({ id }, value, { n }) {
        const taken = truth.get(String(id)) ?? { values: [], last: 0 }
        truth.set(String(id), taken)
        if (n <= taken.last) return
        taken.values.push(value)
        taken.last = n
      },
      onEvent: (event) => void events.push(event),
      ...options,
    })
  return { environment, events, valuesOf: (id: number) => truth.get(String(id))?.values ?? [] }
}

const LONG = { remaining: () => 300_000 }

/** What write-behind does on every store. */
async function checkStore(connect: () => Store): Promise<void> {
  const { environment, valuesOf } = fleet(connect)
  const [here, there] = [environment<number>(), environment<number>()]
  for (let count = 0; count < 4; count += 1) {
    await here.write({ id: 1 }, 2 * count)
    await there.write({ id: 1 }, 2 * count + 1)
  }
  await Promise.all([2, 3, 4].map((id) => there.write({ id }, id)))
  expect(await here.read({ id: 1 }, () => undefined)).toBe(7)
  expect(await there.backlog()).toMatchObject({ keys: 4, writes: 11, poison: [], unreadable: [] })
  expect(await there.drain(LONG)).toMatchObject({ applied: 11, drained: 4, left: 0 })
  expect(valuesOf(1)).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
  expect([2, 3, 4].map(valuesOf)).toEqual([[2], [3], [4]])
  expect(await here.drain(LONG)).toMatchObject({ applied: 0, keys: 0 })
}

describe('write-behind on a real store', () => {
  onEach([dynalite, dynoxide, s3StandIn, upstashOverRedis], (stage) => {
    afterEach(() => {
      stage().proxy.rules.length = 0
    })

    it('applies what several environments accepted, in order, and shows it before', { timeout: 120_000 }, async () => {
      await checkStore(() => stage().running.connect(stage().running.url ?? ''))
    })

    it('loses and repeats nothing while 15 % of all answers are lost', { timeout: 240_000 }, async () => {
      const { proxy, running } = stage()
      const { environment, valuesOf, events } = fleet(() => running.connect(proxy.url))
      let drawn = 0
      // Spread evenly, without luck: 3 of 20 requests.
      proxy.rules.push(() => ((drawn++ * 7) % 20 < 3 ? { kind: 'reset', when: 'after' } : undefined))
      const add = (older: readonly string[], newer: readonly string[]): readonly string[] => [...older, ...newer]
      const environments = Array.from({ length: 4 }, () => environment<readonly string[]>({ merge: add }))
      const accepted: string[] = []
      await Promise.all(
        environments.map(async (behind, index) => {
          for (let count = 0; count < 12; count += 1) {
            await behind.write({ id: 1 }, [`${index}.${count}`])
            accepted.push(`${index}.${count}`)
            // What fails is drained later.
            if (count % 5 === 4) await behind.drain(LONG).catch(() => {})
          }
        }),
      )
      proxy.rules.length = 0
      await environments[0]?.drain(LONG)
      const values = valuesOf(1).flat()
      expect(values.toSorted()).toEqual(accepted.toSorted())
      for (const index of [0, 1, 2, 3]) {
        const own = (values as readonly string[]).filter((one) => one.startsWith(`${index}.`))
        expect(own).toEqual(Array.from({ length: 12 }, (_, count) => `${index}.${count}`))
      }
      expect(events.filter(({ type }) => type === 'behind-accepted').length).toBeGreaterThan(0)
      expect(drawn).toBeGreaterThan(60)
    })
  })

  it('works over memory', async () => {
    const store = memoryStore()
    await checkStore(() => store)
  })

  it('works over Redis by TCP, and is refused where Redis may lose a write', { timeout: 120_000 }, async () => {
    const server = await startRedisServer()
    const clients: Redis[] = []
    const connect = (durable?: boolean) =>
      redisStore({
        connect: () => {
          const client = new Redis({ port: server.port })
          clients.push(client)
          return client
        },
        ...(durable === true && { durable }),
      })
    try {
      await checkStore(() => connect(true))
      const options = { name: 'a', key: 'a', apply: () => {} } as const
      expect(() => writeBehind({ ...options, store: connect() })).toThrow('may lose what it has acknowledged')
    } finally {
      for (const client of clients) client.disconnect()
      await server.close()
    }
  })
})
