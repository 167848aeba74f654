import { Agent } from 'node:http'
import { redisChannel } from '@warmtoken/adapters-redis/live'
import { upstashChannel } from '@warmtoken/adapters-upstash/live'
import {
  type Channel,
  createFeed,
  type LiveEvent,
  type LiveVersion,
  printEvent,
  publishToAll,
} from '@warmtoken/core/live'
import { startRedisServer, startUpstash } from '@warmtoken/local'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'

const TOPIC = 'tag:posts'
const PATIENT = { timeout: 60_000, interval: 5 }
const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

interface Frame {
  readonly id?: string
  readonly ack?: number
  readonly versions?: readonly LiveVersion[]
  readonly events?: readonly LiveEvent[]
  readonly closing?: { readonly code: string }
}

function frameOf(text: string): Frame {
  const [, id, data = '{}'] = /^(?:id: (.*)\n)?(?:data: (.*))?/.exec(text) ?? []
  return { ...(id && { id }), ...(JSON.parse(data) as Frame) }
}

interface ViewerOptions {
  readonly channel?: Channel
  readonly every?: number
  readonly truth?: Map<string, number>
  readonly lastEventId?: string | undefined
  readonly topics?: readonly string[]
}

/** A viewer of a stream. `every` is so long by default that nothing is found by reading versions. */
function view({ channel, every = 3_600_000, truth = new Map(), lastEventId, topics = [TOPIC] }: ViewerOptions = {}) {
  let reads = 0
  const feed = createFeed({
    redeem: async () => ({ userId: 'ann', id: 's' }),
    versions: async () => {
      reads += 1
      return [...truth].map(([key, version]) => ({ topic: TOPIC, key, version }))
    },
    mayRead: () => true,
    length: 800_000,
    heartbeat: 700_000,
    every,
    ...(channel && { channel }),
  })
  const frames: Frame[] = []
  const gone = new AbortController()
  const ended = feed({
    body: JSON.stringify({ ticket: 't', topics }),
    lastEventId,
    write: (text) => void frames.push(frameOf(text)),
    signal: gone.signal,
  })
  const leave = async (): Promise<void> => {
    gone.abort()
    await ended
  }
  ends.push(leave)
  return { frames, leave, reads: () => reads, events: () => frames.flatMap(({ events = [] }) => events) }
}

const until = (check: () => void): Promise<void> => vi.waitFor(check, PATIENT)
const event = (version: number, more: Partial<LiveEvent> = {}): LiveEvent => ({
  topic: TOPIC,
  key: 'a',
  version,
  kind: 'publish',
  at: 1,
  ...more,
})

let redis: Awaited<ReturnType<typeof startRedisServer>>
let rest: Awaited<ReturnType<typeof startUpstash>>
let admin: Redis
beforeAll(async () => {
  redis = await startRedisServer()
  rest = await startUpstash({ redis })
  admin = new Redis({ port: redis.port })
})
afterAll(async () => {
  admin?.disconnect()
  await rest?.close()
  await redis?.close()
})

const publish = (one: LiveEvent) => admin.publish('warmtoken:live', printEvent(one) ?? '')

interface Heard {
  readonly channel: () => Channel
  /** Cuts the connections on which the channel is heard. */
  readonly cut: () => unknown
}

const killed = () => admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
const agent = new Agent()

const CHANNELS: { readonly [name: string]: Heard } = {
  'ioredis, of its own': {
    channel: () => redisChannel({ connect: () => new Redis({ port: redis.port, lazyConnect: true }) }),
    cut: killed,
  },
  'ioredis, of the application': { channel: () => redisChannel({ client: admin }), cut: killed },
  'node-redis': {
    channel: () => redisChannel({ connect: () => createClient({ url: `redis://127.0.0.1:${redis.port}` }) }),
    cut: killed,
  },
  'the event stream of Upstash': {
    channel: () => upstashChannel({ url: rest.url, token: rest.token, agent }),
    cut: () => agent.destroy(),
  },
}

describe.each(Object.keys(CHANNELS))('a stream of events that hears Redis by %s', (name) => {
  const { channel, cut } = CHANNELS[name] ?? expect.unreachable()

  it('passes on what is published, for its topics only, without reading versions', async () => {
    const viewer = view({ channel: channel() })
    await until(() => expect(viewer.frames.length).toBe(1))
    expect(viewer.frames[0]).toMatchObject({ ack: 0, versions: [] })
    await vi.waitFor(async () => expect(await subscribed()).toBe(1), PATIENT)
    const reads = viewer.reads()
    await publish(event(9, { topic: 'tag:other' }))
    await admin.publish('warmtoken:live', 'no event')
    await publish(event(5))
    await publish(event(4))
    await publish(event(5, { kind: 'reject' }))
    await publish(event(6))
    await until(() => expect(viewer.events().at(-1)).toEqual(event(6)))
    expect(viewer.events()).toEqual([event(5), event(5, { kind: 'reject' }), event(6)])
    expect(viewer.reads()).toBe(reads)
  })

  it('reads versions when its connection was lost, and hears again after that', async () => {
    const truth = new Map<string, number>()
    const viewer = view({ channel: channel(), truth })
    await until(() => expect(viewer.frames.length).toBe(1))
    truth.set('a', 7)
    await cut()
    // No event was published: it is the version that was read.
    await until(() => expect(viewer.events().map(({ version }) => version)).toEqual([7]))
    await vi.waitFor(async () => expect(await subscribed()).toBe(1), PATIENT)
    await publish(event(8))
    await until(() => expect(viewer.events().at(-1)).toEqual(event(8)))
  })

  it('leaves no connection behind', async () => {
    const viewer = view({ channel: channel() })
    await until(() => expect(viewer.frames.length).toBe(1))
    await vi.waitFor(async () => expect(await subscribed()).toBe(1), PATIENT)
    await viewer.leave()
    await vi.waitFor(async () => expect(await subscribed()).toBe(0), PATIENT)
  })
})

/** How many connections hear the channel. */
async function subscribed(): Promise<number> {
  const [, count] = (await admin.pubsub('NUMSUB', 'warmtoken:live')) as [string, number]
  return Number(count)
}

describe('a stream of events', () => {
  it('reads versions while no channel can be heard', async () => {
    const truth = new Map<string, number>()
    const channel = redisChannel({
      connect: () => new Redis({ port: 9, lazyConnect: true, retryStrategy: () => null }),
    })
    const viewer = view({ channel, truth, every: 10 })
    await until(() => expect(viewer.frames.length).toBe(1))
    truth.set('a', 3)
    await until(() => expect(viewer.events().map(({ version }) => version)).toEqual([3]))
  })

  it('reads versions when more was published than it could pass on, so that memory stays flat', async () => {
    const truth = new Map<string, number>()
    const listeners: Parameters<Channel['listen']>[0][] = []
    const channel: Channel = { name: 'fake', listen: async (one) => void listeners.push(one) }
    const viewer = view({ channel, truth })
    await until(() => expect(viewer.frames.length).toBe(1))
    for (let n = 1; n <= 1_000; n += 1) {
      truth.set(`k${n}`, n)
      listeners[0]?.onText(printEvent(event(n, { key: `k${n}` })) ?? '')
    }
    await until(() => expect(new Set(viewer.events().map(({ key }) => key)).size).toBe(1_000))
    // What waited was bounded; the rest came from the versions.
    expect(viewer.events().filter(({ at }) => at === 1).length).toBe(200)
    expect(viewer.reads()).toBe(2)
  })

  it('goes on after the last frame of the one before: what has not changed is not told again', async () => {
    const truth = new Map([['a', 1]])
    const one = view({ truth, every: 5 })
    await until(() => expect(one.frames.length).toBe(1))
    const first = one.frames[0]?.id
    truth.set('a', 2)
    await until(() => expect(one.frames.length).toBe(2))
    const last = one.frames[1]?.id
    await one.leave()
    const firstFrame = async (options: ViewerOptions): Promise<Frame | undefined> => {
      const { frames, leave } = view({ truth, ...options })
      await until(() => expect(frames.length).toBe(1))
      await leave()
      return frames[0]
    }
    const versions = [{ topic: TOPIC, key: 'a', version: 2 }]
    expect(await firstFrame({ lastEventId: last })).toEqual({ id: last, ack: 0 })
    expect(await firstFrame({ lastEventId: first })).toEqual({ id: last, ack: 0, versions })
    expect(await firstFrame({ lastEventId: 'x'.repeat(1_000) })).toEqual({ id: last, ack: 0, versions })
    // Other topics: it was never told of them.
    expect(await firstFrame({ lastEventId: last, topics: [TOPIC, 'tag:b'] })).toMatchObject({ versions })
    truth.set('a', 3)
    expect(await firstFrame({ lastEventId: last })).toMatchObject({
      versions: [{ topic: TOPIC, key: 'a', version: 3 }],
    })
  })
})

describe('a channel', () => {
  it('of Upstash requires an address, and names the remedy when the token is refused, without showing it', async () => {
    expect(() => upstashChannel({ client: { eval: async () => 1, evalsha: async () => 1 } })).toThrow(
      '"url" and "token"',
    )
    const listener = { onText: () => {}, onEnd: () => {} }
    const signal = AbortSignal.timeout(100_000)
    const error = await upstashChannel({ url: rest.url, token: 'wrong-secret' })
      .listen(listener, { signal })
      .catch((cause: Error) => cause)
    expect(error).toMatchObject({ code: 'STORE_DENIED', retryable: false })
    expect(String(error)).not.toContain('wrong-secret')
  })

  it('of Redis that cannot be reached says so without the address, which may hold a password', async () => {
    const connect = () =>
      new Redis('redis://:secret-word@127.0.0.1:9', { lazyConnect: true, retryStrategy: () => null })
    const error = await redisChannel({ connect })
      .listen({ onText: () => {}, onEnd: () => {} }, { signal: AbortSignal.timeout(100_000) })
      .catch((cause: Error) => cause)
    expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE', retryable: true })
    expect(JSON.stringify([String(error), String((error as Error).cause)])).not.toContain('secret-word')
  })
})

describe('publishers together', () => {
  it('get every event, and reject with what one of them did not send, after all have ended', async () => {
    const sent: string[] = []
    const good = {
      name: 'good',
      publish: async (all: readonly LiveEvent[]) => void sent.push(...all.map(({ key = '' }) => key)),
    }
    const [a, b] = [event(1), event(2, { key: 'b' })]
    const partial = {
      name: 'partial',
      publish: () =>
        Promise.reject(Object.freeze(Object.assign(new Error('one failed'), { code: 'GONE', unsent: [b] }))),
    }
    const together = publishToAll(partial, good)
    expect(together.name).toBe('partial+good')
    const signal = AbortSignal.timeout(100_000)
    await expect(together.publish([a, b], { signal })).rejects.toMatchObject({
      message: '1 of 2 publishers failed',
      code: 'GONE',
      unsent: [b],
    })
    expect(sent).toEqual(['a', 'b'])
    await publishToAll(good).publish([a], { signal })
    const broken = { name: 'broken', publish: () => Promise.reject(new Error('all failed')) }
    await expect(publishToAll(broken, partial).publish([a, b], { signal })).rejects.toMatchObject({ unsent: [a, b] })
  })
})
