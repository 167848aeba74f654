import { redisStore } from '@warmtoken/adapters-redis'
import type { Store } from '@warmtoken/core'
import { createCache } from '@warmtoken/core/data'
import { startRedisServer } from '@warmtoken/local'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { dynalite } from '../stores/backends/dynamodb.ts'
import { upstashOverRedis } from '../stores/backends/upstash.ts'
import { onEach } from '../stores/each-backend.ts'
import { makeProgram, type Program } from '../stores/fleet/program.ts'
import { FLEET_PROCESS, type FleetOrders, LOADING, type Member, startMembers, startTruth, type Truth } from './fleet.ts'

const MANY = 200
const SOME = 50
const RECHECK = 1_000
/** How long a value lives that is to expire, in ms. */
const SHORT = 1_000

let program: Program | undefined
/** Started once: two hundred processes take longer to start than all that is asked of them here. */
let members: readonly Member[] = []
beforeAll(async () => {
  program = await makeProgram(FLEET_PROCESS)
  members = await startMembers(program, MANY)
}, 600_000)
afterAll(async () => {
  for (const member of members) member.end()
  await program?.close()
})

const open: Truth[] = []
afterEach(async () => {
  for (const each of open.splice(0)) await each.close()
})

/** A store that processes reach too. */
interface Place extends Pick<FleetOrders, 'url'> {
  readonly kind: FleetOrders['store']
  readonly store: Store
}

/** A cache of its own name, so many processes with it that hold nothing yet, and what they load. */
async function fleetOf({ kind, url, store }: Place, count: number) {
  const truth = await startTruth()
  open.push(truth)
  const name = `fleet-${crypto.randomUUID().slice(0, 8)}`
  const fleet = members.slice(0, count)
  const orders = { store: kind, url, truth: truth.url, name, recheck: RECHECK }
  for (let start = 0; start < count; start += LOADING)
    await Promise.all(fleet.slice(start, start + LOADING).map((one) => one.prepare(orders)))
  const cache = createCache({ name, store, recheck: RECHECK, storeTimeout: 30_000, onEvent: () => {} })
  return { truth, fleet, cache }
}

function behaviors(place: () => Place): void {
  it('loads an expired key once for two hundred processes, and once more when it was deleted', async () => {
    const { truth, fleet, cache } = await fleetOf(place(), MANY)
    const project = cache.use({ key: 'project:{id}:info', fresh: SHORT, load: () => 0 })
    await project.set({ id: 42 }, 0)
    while ((await project.inspect({ id: 42 }, { live: true })) !== undefined)
      await new Promise((resolve) => setTimeout(resolve, SHORT / 10))
    expect(await Promise.all(fleet.map((member) => member.get()))).toEqual(Array(MANY).fill(1))
    expect(truth.loads()).toBe(1)
    truth.value = 2
    await project.delete({ id: 42 })
    await new Promise((resolve) => setTimeout(resolve, RECHECK))
    expect(await Promise.all(fleet.map((member) => member.get()))).toEqual(Array(MANY).fill(2))
    expect(truth.loads()).toBe(2)
  }, 600_000)

  it('is invalidated for each of fifty processes within recheck, also for one that was frozen across it', async () => {
    const { truth, fleet, cache } = await fleetOf(place(), SOME)
    expect(await Promise.all(fleet.map((member) => member.get()))).toEqual(Array(SOME).fill(1))
    expect(truth.loads()).toBe(1)
    const [frozen, ...others] = fleet
    frozen?.freeze()
    truth.value = 2
    await cache.invalidate({ match: 'project:42:*' })
    await new Promise((resolve) => setTimeout(resolve, RECHECK))
    expect(await Promise.all(others.map((member) => member.get()))).toEqual(Array(SOME - 1).fill(2))
    frozen?.thaw()
    expect(await frozen?.get()).toBe(2)
    expect(truth.loads()).toBe(2)
  }, 600_000)
}

describe('a cache of data', () => {
  onEach([dynalite, upstashOverRedis], (stage) => {
    behaviors(() => {
      const { running } = stage()
      const url = running.url ?? ''
      const store = running.connect(url)
      return { kind: store.name === 'upstash' ? 'upstash' : 'dynamodb', url, store }
    })
  })

  describe('Redis', () => {
    let server: Awaited<ReturnType<typeof startRedisServer>> | undefined
    let missing = ''
    beforeAll(async () => {
      try {
        server = await startRedisServer()
      } catch (error) {
        missing = `SKIPPED: ${String(error)}`
        console.error(`\n*** ${missing}\n`)
      }
    })
    beforeEach(({ skip }) => {
      if (server === undefined) skip(missing)
    })
    const clients: Redis[] = []
    afterAll(async () => {
      for (const client of clients) client.disconnect()
      await server?.close()
    })
    behaviors(() => {
      const url = `redis://127.0.0.1:${server?.port}`
      const connect = () => {
        const client = new Redis(url)
        clients.push(client)
        return client
      }
      return { kind: 'redis', url, store: redisStore({ connect }) }
    })
  })
})
