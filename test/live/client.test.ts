import { brotliCompressSync } from 'node:zlib'
import { type Live, type LiveEvent, type LiveOptions, live } from '@warmtoken/client'
import { type LiveEvent as Announced, nextVersion, type Publisher, userTopic } from '@warmtoken/core/live'
import { startRedisServer } from '@warmtoken/local'
import { build } from 'esbuild'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { POSTS, type Stage, startStage } from './stage.ts'

const ends: (() => void | Promise<void>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

async function stage(options?: Parameters<typeof startStage>[0]): Promise<Stage> {
  const made = await startStage(options)
  ends.push(() => made.gateway.close())
  return made
}

/** A client of a new session. */
async function connect({ sessions, tickets, gateway }: Stage, by: 'ws' | 'sse', more: Partial<LiveOptions> = {}) {
  const { session, token } = await sessions.create('ann')
  const states: string[] = []
  const client = live({
    [by]: gateway[by],
    ticket: () => tickets.issue(session),
    onState: (state, code) => states.push(code === undefined ? state : `${state}: ${code}`),
    pause: 5,
    ...more,
  })
  ends.push(() => client.close())
  return { client, states, session, token }
}

function listen(client: Live, topic = POSTS): LiveEvent[] {
  const heard: LiveEvent[] = []
  client.subscribe(topic, (event) => heard.push(event))
  return heard
}

const PATIENT = { timeout: 60_000, interval: 5 }
const until = (check: () => void): Promise<void> => vi.waitFor(check, PATIENT)

/** Publishes everything twice, and each lot in reversed order. */
function lying(publisher: Publisher): Publisher {
  return {
    name: 'lying',
    async publish(events, options) {
      const reversed = [...events].reverse()
      await publisher.publish(reversed.slice(0, 1), options)
      for (const event of [...reversed, ...reversed]) await publisher.publish([event], options)
    },
  }
}

let redis: Awaited<ReturnType<typeof startRedisServer>>
beforeAll(async () => {
  redis = await startRedisServer()
})
afterAll(() => redis?.close())

/** The transports; the last of them is a stream that hears Redis. */
const TRANSPORTS = [
  ['a socket', 'ws'],
  ['a stream that reads versions', 'sse'],
  ['a stream that hears Redis', 'sse'],
] as const

describe.each(TRANSPORTS)('the client over %s', (name, by) => {
  const port = () => (name.endsWith('Redis') ? redis.port : undefined)

  it('receives every key’s last version, and rising versions only, through 20 cuts and a lying publisher', async () => {
    const made = await stage({ wrap: lying, redis: port() })
    const { client, states } = await connect(made, by)
    const heard = listen(client)
    await until(() => expect(states.at(-1)).toBe('open'))
    let cuts = 0
    for (let n = 1; n <= 1_000; n += 1) {
      const key = `post-${(n * 7) % 40}`
      const version = nextVersion(made.truth.get(key) ?? 0, n)
      made.truth.set(key, version)
      const event: Announced = { topic: POSTS, key, version, kind: 'publish', at: 0 }
      made.live.publish(event)
      if (n % 10 === 0) await made.live.settle()
      if (n % 50 !== 0) continue
      // A cut counts only where there is something to cut.
      await until(() => expect(states.at(-1)).toBe('open'))
      const known = states.length
      made.gateway.cut()
      cuts += 1
      await until(() => expect(states.slice(known)).toContain('waiting'))
    }
    expect(cuts).toBe(20)
    const last = () => new Map(heard.map(({ key = '', version }) => [key, version]))
    await until(() => expect(last()).toEqual(made.truth))
    const before = new Map<string, number>()
    for (const { key = '', version } of heard) {
      expect(version).toBeGreaterThan(before.get(key) ?? 0)
      before.set(key, version)
    }
    expect(states.filter((state) => state === 'open').length).toBeGreaterThanOrEqual(cuts)
  })

  it('raises a gap for what changed while nothing was connected', async () => {
    const made = await stage({ redis: port() })
    const { client, states } = await connect(made, by)
    made.truth.set('a', 5)
    const heard = listen(client)
    await until(() => expect(heard).toEqual([{ topic: POSTS, key: 'a', version: 5, kind: 'gap', at: 0 }]))
    expect(states).toEqual(['connecting', 'open'])
  })

  it('follows topics that are added later, and hears nothing of those that it left', async () => {
    const made = await stage({ mayRead: () => true, redis: port() })
    const { client, states } = await connect(made, by)
    const posts = listen(client)
    await until(() => expect(states.at(-1)).toBe('open'))
    made.truth.set('a', 7)
    made.live.publish({ topic: POSTS, key: 'a', version: 7, kind: 'publish', at: 0 })
    const session: LiveEvent[] = []
    client.subscribe(userTopic('ann'), (event) => session.push(event))
    await until(() => expect(session.map(({ kind }) => kind)).toEqual(['gap']))
    const end = client.subscribe('tag:other', () => expect.unreachable())
    end()
    await until(() => expect(posts.map(({ version }) => version)).toEqual([7]))
  })

  it('closes for good, with the code, when a topic may not be read', async () => {
    const made = await stage({ redis: port() })
    const { client, states } = await connect(made, by)
    listen(client, 'tag:secret')
    await until(() => expect(states.at(-1)).toBe('closed: forbidden'))
    await until(() => expect(made.gateway.count()).toBe(0))
  })

  it('ends with its signal, and when it is closed', async () => {
    const made = await stage({ redis: port() })
    const controller = new AbortController()
    const { client, states } = await connect(made, by, { signal: controller.signal })
    listen(client)
    await until(() => expect(states.at(-1)).toBe('open'))
    controller.abort()
    expect(states.at(-1)).toBe('closed')
    await until(() => expect(made.gateway.count()).toBe(0))
  })
})

describe('the client', () => {
  it('falls back to a stream after three failed sockets', async () => {
    const made = await stage()
    const { client, states } = await connect(made, 'sse', { ws: 'ws://127.0.0.1:9' })
    made.truth.set('a', 1)
    const heard = listen(client)
    await until(() => expect(heard.length).toBe(1))
    expect(states.filter((state) => state === 'waiting').length).toBe(3)
  })

  it('opens the next socket before the limit, and ends the one before only when that is acknowledged', async () => {
    const made = await stage()
    const { client, states } = await connect(made, 'ws', { exchangeAfter: 40, pingEvery: 60_000 })
    const heard = listen(client)
    await until(() => expect(states.at(-1)).toBe('open'))
    const first = (await made.subscribers.page(POSTS, undefined, 10, SIGNAL)).connections
    let version = 0
    await until(() => {
      version += 1
      made.truth.set('a', version)
      made.live.publish({ topic: POSTS, key: 'a', version, kind: 'publish', at: 0 })
      expect(new Set(made.gateway.posted.map(([connection]) => connection)).size).toBeGreaterThan(2)
    })
    await until(() => expect(heard.at(-1)?.version).toBe(version))
    const later = (await made.subscribers.page(POSTS, undefined, 10, SIGNAL)).connections
    expect(later).not.toEqual(first)
    expect(states).toEqual(['connecting', 'open'])
  })

  it('pings after silence, and connects again when no frame comes back', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'setInterval'] })
    ends.push(() => void vi.useRealTimers())
    const made = await stage()
    const { client, states } = await connect(made, 'ws', { pingEvery: 20_000 })
    listen(client)
    const { handler } = made.behind
    await vi.waitUntil(() => states.at(-1) === 'open', PATIENT)
    const frames: string[] = []
    made.behind.handler = async (event) => {
      const { body, requestContext } = event as { body?: string; requestContext: { routeKey: string } }
      if (body !== undefined) frames.push(body)
      // Nothing comes back: the connection is dead, and nobody has said so.
      if (requestContext.routeKey === '$default' && states.length === 2) return { statusCode: 200 }
      return handler?.(event) ?? { statusCode: 500 }
    }
    vi.advanceTimersByTime(31_000)
    await vi.waitUntil(() => frames.some((frame) => frame.includes('ping')), PATIENT)
    vi.advanceTimersByTime(15_000)
    await vi.waitUntil(() => states.length > 3 && states.at(-1) === 'open', PATIENT)
    expect(states.slice(0, 3)).toEqual(['connecting', 'open', 'waiting'])
  })

  it('is closed by the server within the call when its session is revoked, and stays closed', async () => {
    const made = await stage()
    const one = await connect(made, 'ws')
    const other = await connect(made, 'ws')
    for (const { client } of [one, other]) listen(client)
    await until(() => expect([one.states.at(-1), other.states.at(-1)]).toEqual(['open', 'open']))
    await made.sessions.revoke('ann', one.session.id)
    await made.live.settle()
    await until(() => expect(one.states.at(-1)).toBe('closed: session-ended'))
    await until(() => expect(made.gateway.count()).toBe(1))
    expect(other.states.at(-1)).toBe('open')
    expect(made.notices.filter(({ type }) => type === 'live-closed')).toEqual([
      { type: 'live-closed', code: 'session-ended' },
    ])
  })

  it('hears a refusal between the version that was refused and the next', async () => {
    const made = await stage()
    const { client, states } = await connect(made, 'ws')
    const heard = listen(client)
    await until(() => expect(states.at(-1)).toBe('open'))
    const event = (kind: Announced['kind'], version: number): Announced => ({
      topic: POSTS,
      key: 'a',
      version,
      kind,
      at: 0,
    })
    for (const one of [
      event('publish', 1),
      event('reject', 1),
      event('publish', 1),
      event('publish', 2),
      event('reject', 1),
    ]) {
      made.live.publish(one)
      await made.live.settle()
    }
    made.live.publish(event('publish', 3))
    await until(() => expect(heard.at(-1)?.version).toBe(3))
    expect(heard.map(({ kind, version }) => `${kind} ${version}`)).toEqual([
      'publish 1',
      'reject 1',
      'publish 2',
      'publish 3',
    ])
  })

  it('knows the versions of 10,000 keys at most, so that memory stays flat: the oldest may be told once more', async () => {
    const made = await stage()
    const { client, states } = await connect(made, 'ws')
    const heard = listen(client)
    await until(() => expect(states.at(-1)).toBe('open'))
    const [connection = ''] = (await made.subscribers.page(POSTS, undefined, 1, SIGNAL)).connections
    const send = (keys: readonly string[]) => {
      const events = keys.map((key): Announced => ({ topic: POSTS, key, version: 1, kind: 'publish', at: 0 }))
      return made.gateway.connections.post(connection, JSON.stringify({ events }), SIGNAL)
    }
    const keys = Array.from({ length: 10_001 }, (_, n) => `k${n}`)
    for (let start = 0; start < keys.length; start += 250) await send(keys.slice(start, start + 250))
    await until(() => expect(heard.length).toBe(10_001))
    await send(['k10000', 'k1', 'k0', 'last'])
    await until(() => expect(heard.at(-1)?.key).toBe('last'))
    expect(heard.slice(10_001).map(({ key }) => key)).toEqual(['k0', 'last'])
  })

  it('calls the other listeners when one throws', async () => {
    const made = await stage()
    const { client, states } = await connect(made, 'ws')
    const uncaught: unknown[] = []
    const note = (error: unknown): void => void uncaught.push(error)
    process.prependOnceListener('uncaughtException', note)
    const others = process.listeners('uncaughtException').filter((one) => one !== note)
    for (const one of others) process.off('uncaughtException', one)
    ends.push(() => {
      for (const one of others) process.on('uncaughtException', one)
    })
    client.subscribe(POSTS, () => {
      throw new Error('of a listener')
    })
    const heard = listen(client)
    await until(() => expect(states.at(-1)).toBe('open'))
    made.live.publish({ topic: POSTS, key: 'a', version: 1, kind: 'publish', at: 0 })
    await until(() => expect(heard.length).toBe(1))
    await until(() => expect(uncaught.map(String)).toEqual(['Error: of a listener']))
  })

  it('requires an address', () => {
    expect(() => live({ ticket: async () => '' })).toThrow('option "ws" or "sse" is required')
  })

  it('is at most 4 KB compressed, with nothing else in it', async () => {
    const { outputFiles, metafile } = await build({
      entryPoints: ['packages/client/src/index.ts'],
      bundle: true,
      minify: true,
      format: 'esm',
      write: false,
      metafile: true,
    })
    const text = outputFiles[0]?.text ?? ''
    expect(brotliCompressSync(text).length).toBeLessThan(2_048)
    expect(Object.keys(metafile.inputs).every((path) => path.startsWith('packages/client/'))).toBe(true)
    expect(text).not.toMatch(/\beval\(|new Function\(/)
  })
})

const SIGNAL = { signal: new AbortController().signal }
