import { createTokens } from '@warmtoken/core'
import { createCache } from '@warmtoken/core/data'
import {
  createLive,
  type LiveEvent,
  memorySubscribers,
  type Publisher,
  parseEvent,
  printEvent,
  userTopic,
  webSocketPublisher,
} from '@warmtoken/core/live'
import { memoryStore } from '@warmtoken/core/memory'
import { createSessions } from '@warmtoken/core/sessions'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { customSource } from './sources.ts'
import { POSTS, type Stage, startStage } from './stage.ts'

const ends: (() => void | Promise<void>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

const SIGNAL = { signal: new AbortController().signal }
const PATIENT = { timeout: 60_000, interval: 5 }

async function stage(options?: Parameters<typeof startStage>[0]): Promise<Stage> {
  const made = await startStage(options)
  ends.push(() => made.gateway.close())
  return made
}

/** A socket without our client, which would never send such things. */
async function open({ sessions, tickets, gateway }: Stage, user = 'ann') {
  const { session } = await sessions.create(user)
  const ticket = await tickets.issue(session)
  const socket = new WebSocket(`${gateway.ws}?ticket=${ticket}`, 'warmtoken.live.1')
  const frames: Record<string, unknown>[] = []
  let isClosed = false
  socket.onmessage = ({ data }) => frames.push(JSON.parse(String(data)))
  socket.onclose = () => {
    isClosed = true
  }
  await vi.waitFor(() => expect(socket.readyState).toBe(1), PATIENT)
  ends.push(() => socket.close())
  return { socket, frames, session, ticket, isClosed: () => isClosed }
}

const collect =
  (sent: string[]) =>
  (connection: string): 'sent' => {
    sent.push(connection)
    return 'sent'
  }

const subscribe = (topics: readonly unknown[], id = 1): string => JSON.stringify({ action: 'subscribe', id, topics })
const topics = (count: number, from = 0) => Array.from({ length: count }, (_, index) => `tag:t${from + index}`)

describe('a socket', () => {
  it.each([
    ['no JSON', 'hello', 'bad-frame'],
    ['a list', '[1]', 'bad-frame'],
    ['an unknown action', '{"action":"shout","id":1,"topics":["tag:posts"]}', 'bad-frame'],
    ['no id', '{"action":"subscribe","topics":["tag:posts"]}', 'bad-frame'],
    ['no topics', subscribe([]), 'bad-frame'],
    ['something else than a topic', subscribe([{}]), 'unknown-topic'],
    ['a topic without a prefix', subscribe(['posts']), 'unknown-topic'],
    ['a topic with a line break', subscribe(['tag:a\nb']), 'unknown-topic'],
    ['a topic that is too long', subscribe([`tag:${'x'.repeat(300)}`]), 'unknown-topic'],
    ['a topic that it may not read', subscribe(['tag:secret']), 'forbidden'],
    ['the topic of another user', subscribe([userTopic('bob')]), 'forbidden'],
    ['21 topics in a frame', subscribe(topics(21)), 'too-many-topics'],
    ['a frame over 32 KB', subscribe(['tag:posts', 'x'.repeat(33_000)]), 'frame-too-long'],
  ])('that sends %s gets a closing frame with its code, and ends', async (_what, frame, code) => {
    const made = await stage()
    const { socket, frames, isClosed } = await open(made)
    socket.send(frame)
    await vi.waitFor(() => expect(isClosed()).toBe(true), PATIENT)
    expect(frames).toEqual([{ closing: { code, retry: false } }])
    await vi.waitFor(() => expect(made.gateway.count()).toBe(0), PATIENT)
    // Nothing of it is left in the index.
    for (const topic of [POSTS, userTopic('ann')])
      expect((await made.subscribers.page(topic, undefined, 10, SIGNAL)).connections).toEqual([])
  })

  it('may follow 100 topics, and ends with the 101st', async () => {
    const made = await stage({ mayRead: () => true })
    const { socket, frames, isClosed } = await open(made)
    // Its user's own topic counts.
    for (let from = 0; from < 80; from += 20) socket.send(subscribe(topics(20, from), from))
    socket.send(subscribe(topics(19, 80), 80))
    await vi.waitFor(() => expect(frames.map(({ ack }) => ack)).toHaveLength(5), PATIENT)
    socket.send(subscribe(['tag:one-more'], 200))
    await vi.waitFor(() => expect(isClosed()).toBe(true), PATIENT)
    expect(frames.at(-1)).toEqual({ closing: { code: 'too-many-topics', retry: false } })
  })

  it('that floods is closed, and what the server keeps of it is bounded', async () => {
    const made = await stage()
    const { socket, frames, isClosed } = await open(made)
    for (let n = 0; n < 500; n += 1) socket.send(`{"action":"ping","id":${n}}`)
    await vi.waitFor(() => expect(isClosed()).toBe(true), PATIENT)
    expect(frames.filter(({ pong }) => pong !== undefined).length).toBeLessThanOrEqual(60)
    expect(frames.some(({ closing }) => closing !== undefined)).toBe(true)
  })

  it('is answered its subprotocol and its pings, and gets the versions with the acknowledgment', async () => {
    const made = await stage()
    made.truth.set('a', 3)
    const { socket, frames } = await open(made)
    expect(socket.protocol).toBe('warmtoken.live.1')
    socket.send('{"action":"ping","id":4}')
    socket.send(subscribe([POSTS], 5))
    await vi.waitFor(() => expect(frames).toHaveLength(2), PATIENT)
    expect(frames).toContainEqual({ pong: 4 })
    expect(frames).toContainEqual({ ack: 5, versions: [{ topic: POSTS, key: 'a', version: 3 }] })
    socket.send(JSON.stringify({ action: 'unsubscribe', id: 6, topics: [POSTS] }))
    await vi.waitFor(() => expect(frames).toContainEqual({ ack: 6 }), PATIENT)
    expect((await made.subscribers.page(POSTS, undefined, 10, SIGNAL)).connections).toEqual([])
  })

  it('opens once for a ticket, of two at the same time one, and not for a late or made-up one', async () => {
    const made = await stage()
    const { session } = await made.sessions.create('ann')
    const ticket = await made.tickets.issue(session)
    const tries = [ticket, ticket, 'x'.repeat(43), ''].map((one) => new WebSocket(`${made.gateway.ws}?ticket=${one}`))
    await vi.waitFor(
      () => expect(tries.every(({ readyState }) => readyState === 1 || readyState === 3)).toBe(true),
      PATIENT,
    )
    expect(tries.filter(({ readyState }) => readyState === 1)).toHaveLength(1)
    for (const one of tries) one.close()
    await made.sessions.revokeAll('ann')
    const late = new WebSocket(`${made.gateway.ws}?ticket=${await made.tickets.issue(session)}`)
    await vi.waitFor(() => expect(late.readyState).toBe(3), PATIENT)
  })

  it('is refused from a foreign origin and without an authorizer, by 403', async () => {
    const made = await stage()
    const connect = (origin: string | undefined, authorizer?: object) =>
      made.behind.handler?.({
        headers: origin === undefined ? {} : { Origin: origin },
        requestContext: { routeKey: '$connect', connectionId: 'c', authorizer },
      })
    const context = { user: 'ann', session: 's', data: '{}' }
    expect(await connect('https://evil.example.com', context)).toEqual({ statusCode: 403 })
    expect(await connect('null', context)).toEqual({ statusCode: 403 })
    expect(await connect('https://app.example.com')).toEqual({ statusCode: 403 })
    expect(await connect('https://app.example.com', context)).toEqual({ statusCode: 200 })
    expect(await connect(undefined, context)).toEqual({ statusCode: 200 })
  })
})

describe('a stream of events', () => {
  const ask = async (made: Stage, body: unknown): Promise<string> => {
    const answer = await fetch(made.gateway.sse, {
      method: 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
    return answer.text()
  }

  it.each([
    ['no JSON', 'x', 'bad-frame'],
    ['no topics', { ticket: 't', topics: [] }, 'bad-frame'],
    ['101 topics', { ticket: 't', topics: topics(101) }, 'too-many-topics'],
    ['something else than a topic', { ticket: 't', topics: [7] }, 'unknown-topic'],
    ['a body over 32 KB', { ticket: 't'.repeat(33_000), topics: [POSTS] }, 'bad-frame'],
    ['a ticket that is none', { ticket: 't', topics: [POSTS] }, 'bad-ticket'],
  ])('that is asked for with %s ends with its code', async (_what, body, code) => {
    expect(await ask(await stage(), body)).toBe(
      `data: {"closing":{"code":"${code}","retry":${code === 'bad-ticket'}}}\n\n`,
    )
  })

  it('ends without the right to a topic, and a ticket opens one', async () => {
    const made = await stage()
    const { session } = await made.sessions.create('ann')
    const ticket = await made.tickets.issue(session)
    expect(await ask(made, { ticket, topics: ['tag:secret'] })).toContain('"code":"forbidden"')
    expect(await ask(made, { ticket, topics: [POSTS] })).toContain('"code":"bad-ticket"')
  })
})

describe('the publisher of sockets', () => {
  const event = (version: number, more: Partial<LiveEvent> = {}): LiveEvent => ({
    topic: POSTS,
    key: 'a',
    version,
    kind: 'publish',
    at: 0,
    ...more,
  })

  async function publisherWith(
    post: (connection: string, text: string) => 'sent' | 'gone' | 'throttled' | Error,
    members: number,
    more: object = {},
  ) {
    const subscribers = memorySubscribers()
    const notices: unknown[] = []
    for (let n = 0; n < members; n += 1)
      await subscribers.add([POSTS, `tag:${n % 2}`], `c${String(n).padStart(4, '0')}`, Date.now() + 60_000, SIGNAL)
    let inFlight = 0
    let most = 0
    const connections = {
      name: 'fake',
      async post(connection: string, text: string) {
        inFlight += 1
        most = Math.max(most, inFlight)
        await new Promise((resolve) => setImmediate(resolve))
        inFlight -= 1
        const outcome = post(connection, text)
        if (outcome instanceof Error) throw outcome
        return outcome
      },
      close: async () => {},
    }
    const publisher = webSocketPublisher({
      store: memoryStore(),
      subscribers,
      connections,
      onNotice: (one) => notices.push(one),
      ...more,
    })
    return { publisher, notices, most: () => most, subscribers }
  }

  it('merges the events of a batch into one frame for each connection', async () => {
    const got = new Map<string, string[]>()
    const { publisher } = await publisherWith((connection, text) => {
      got.set(connection, [...(got.get(connection) ?? []), text])
      return 'sent'
    }, 2)
    await publisher.publish([event(1), event(2), event(2, { key: 'b' }), event(9, { topic: 'tag:1' })], SIGNAL)
    const frame = (...events: LiveEvent[]) => [JSON.stringify({ events })]
    expect(got.get('c0000')).toEqual(frame(event(2), event(2, { key: 'b' })))
    expect(got.get('c0001')).toEqual(frame(event(2), event(2, { key: 'b' }), event(9, { topic: 'tag:1' })))
  })

  it('splits what is longer than 32 KB, and loses nothing of it', async () => {
    const texts: string[] = []
    const { publisher } = await publisherWith((_connection, text) => {
      texts.push(text)
      return 'sent'
    }, 1)
    const events = Array.from({ length: 300 }, (_, n) => event(n + 1, { key: `${'k'.repeat(300)}${n}` }))
    await publisher.publish(events, SIGNAL)
    expect(texts.length).toBeGreaterThan(1)
    expect(Math.max(...texts.map((text) => Buffer.byteLength(text)))).toBeLessThanOrEqual(32 * 1024)
    expect(texts.flatMap((text) => (JSON.parse(text) as { events: LiveEvent[] }).events)).toEqual(events)
  })

  it('sends to pages, 50 posts at once, and hands further pages on where something takes them', async () => {
    const sent: string[] = []
    const pages: unknown[] = []
    const more = async (page: unknown): Promise<void> => void pages.push(page)
    const made = await publisherWith(collect(sent), 250, { pageSize: 100, more })
    await made.publisher.publish([event(1)], SIGNAL)
    expect([sent.length, pages.length, made.most()]).toEqual([100, 1, 50])
    // What a function gets has gone through JSON.
    for (let page = pages.shift(); page !== undefined; page = pages.shift())
      await made.publisher.deliver(JSON.parse(JSON.stringify(page)), SIGNAL)
    expect(new Set(sent).size).toBe(250)
    expect(sent.length).toBe(250)
  })

  it('sends all pages from one process where nothing takes them', async () => {
    const sent: string[] = []
    const { publisher } = await publisherWith(collect(sent), 250, { pageSize: 100 })
    await publisher.publish([event(1)], SIGNAL)
    expect(new Set(sent).size).toBe(250)
  })

  it.each([undefined, {}, { topic: POSTS, events: [], cursor: 'a' }, { topic: 7, events: [event(1)], cursor: 'a' }])(
    'takes %j for no page',
    async (page) => {
      const { publisher } = await publisherWith(() => 'sent', 1)
      await expect(publisher.deliver(page, SIGNAL)).rejects.toThrow('give a page { topic, events, cursor }')
    },
  )

  it('gives a throttled frame up after three more tries, and says so', async () => {
    let posts = 0
    const { publisher, notices } = await publisherWith(() => {
      posts += 1
      return 'throttled'
    }, 1)
    await publisher.publish([event(1)], SIGNAL)
    expect(posts).toBe(4)
    expect(notices).toEqual([{ type: 'live-dropped', count: 1 }])
  })

  it('rejects when a frame may not have arrived, after all others were sent, and names its events', async () => {
    const sent: string[] = []
    const { publisher } = await publisherWith(
      (connection) => (connection === 'c0001' ? new Error('cut') : collect(sent)(connection)),
      10,
    )
    await expect(publisher.publish([event(1)], SIGNAL)).rejects.toThrow('1 frames may not have arrived')
    expect(sent.length).toBe(9)
    // Only connections with an even number follow this one.
    const other = event(2, { topic: 'tag:0' })
    await expect(publisher.publish([other, event(3)], SIGNAL)).rejects.toMatchObject({ unsent: [event(3)] })
  })

  it('sends all further pages although a frame of the first may not have arrived, and names only its events', async () => {
    const failing = (sent: string[]) => (connection: string) =>
      connection === 'c0000' ? new Error('cut') : collect(sent)(connection)
    const sent: string[] = []
    const here = await publisherWith(failing(sent), 250, { pageSize: 100 })
    await expect(here.publisher.publish([event(1)], SIGNAL)).rejects.toMatchObject({ unsent: [event(1)] })
    expect(new Set(sent).size).toBe(249)
    const pages: unknown[] = []
    const more = async (page: unknown): Promise<void> => void pages.push(page)
    const handed = await publisherWith(failing([]), 250, { pageSize: 100, more })
    await expect(handed.publisher.publish([event(1)], SIGNAL)).rejects.toThrow('1 frames may not have arrived')
    expect(pages).toHaveLength(1)
  })

  it('forgets a connection that is gone, index and record', async () => {
    const made = await stage()
    const { socket } = await open(made)
    socket.send(subscribe([POSTS]))
    await vi.waitFor(
      async () => expect((await made.subscribers.page(POSTS, undefined, 9, SIGNAL)).connections).toHaveLength(1),
      PATIENT,
    )
    const { handler } = made.behind
    // API Gateway does not always call $disconnect.
    made.behind.handler = async () => ({ statusCode: 200 })
    made.gateway.cut()
    await vi.waitFor(() => expect(made.gateway.count()).toBe(0), PATIENT)
    await made.publisher.publish([event(1)], SIGNAL)
    expect((await made.subscribers.page(POSTS, undefined, 9, SIGNAL)).connections).toEqual([])
    expect(made.notices).toContainEqual({ type: 'live-gone', count: 1 })
    made.behind.handler = handler ?? (async () => ({ statusCode: 500 }))
  })
})

describe('what is announced', () => {
  function announced() {
    const events: LiveEvent[] = []
    const texts: (string | undefined)[] = []
    const inner = memoryStore()
    const live = createLive({ publisher: { name: 'noting', publish: async (some) => void events.push(...some) } })
    const store = live.store({
      ...inner,
      swap(key, swap, how) {
        texts.push(swap.announce)
        return inner.swap(key, swap, how)
      },
    })
    return { events, texts, live, store }
  }

  it('is each new token and each refusal, and no lease', async () => {
    const { events, texts, live, store } = announced()
    const tokens = createTokens({ store, directory: false })
    const crm = tokens.use(customSource())
    const first = await crm.get()
    await crm.reject(first)
    await live.settle()
    const { key } = crm
    expect(events.map(({ kind, topic, key: of }) => [kind, topic, of])).toEqual([
      ['publish', `key:${key}`, key],
      ['reject', `key:${key}`, key],
      ['publish', `key:${key}`, key],
    ])
    // The acquire before the first token wrote too, and announced nothing.
    expect(texts.map((text) => parseEvent(text)?.kind)).toEqual([undefined, 'publish', 'reject', 'publish'])
    expect(events[2]?.version).toBeGreaterThan(events[0]?.version ?? 0)
    expect(JSON.stringify(events)).not.toContain('secret-token')
  })

  it('is each invalidation of a cache, by tag or of everything, with rising versions', async () => {
    const { events, live, store } = announced()
    const cache = createCache({ store, name: 'shop' })
    for (const target of [{ tags: ['team:7'] }, { tags: ['team:7'] }, { everything: true } as const])
      await cache.invalidate(target)
    await live.settle()
    expect(events.map(({ kind, topic }) => [kind, topic.replace(/[0-9a-f]{40}$/, '<cache>')])).toEqual([
      ['invalidate', 'tag:team:7'],
      ['invalidate', 'tag:team:7'],
      ['invalidate', 'root:<cache>'],
    ])
    expect(events[1]?.version).toBeGreaterThan(events[0]?.version ?? 0)
  })

  it('is the end of sessions, and no renewal or sign-in', async () => {
    const { events, live, store } = announced()
    const sessions = createSessions({ store, limit: { most: 2, when: 'oldest-out' } })
    const first = await sessions.create('ann')
    await sessions.create('ann')
    await live.settle()
    expect(events).toEqual([])
    await sessions.create('ann')
    await sessions.revoke('ann', first.session.id)
    await sessions.revokeAll('ann')
    await live.settle()
    expect(events.map(({ kind, topic }) => [kind, topic])).toEqual([
      ['session-ended', userTopic('ann')],
      ['session-ended', userTopic('ann')],
    ])
  })

  it('does not hold the write up, and a publisher that fails is only a notice', async () => {
    const notices: unknown[] = []
    const publisher: Publisher = {
      name: 'broken',
      publish: async () => {
        throw Object.assign(new Error('quotes a secret'), { code: 'STORE_DENIED' })
      },
    }
    const live = createLive({ publisher, onNotice: (one) => notices.push(one) })
    const tokens = createTokens({ store: live.store(memoryStore()), directory: false })
    expect((await tokens.use(customSource()).get()).value).toBe('secret-token-1')
    await live.settle()
    expect(notices).toEqual([{ type: 'live-failed', publisher: 'broken', count: 1, code: 'STORE_DENIED' }])
    expect(live.busy).toBe(false)
  })

  it('is at most 512 bytes: a longer event goes without its key, and one whose topic is too long not at all', () => {
    const event = { topic: POSTS, key: 'k'.repeat(600), version: 1, kind: 'publish', at: 0 } as const
    expect(parseEvent(printEvent(event))).toEqual({ topic: POSTS, version: 1, kind: 'publish', at: 0 })
    expect(printEvent({ ...event, topic: `tag:${'x'.repeat(600)}` })).toBeUndefined()
    for (const odd of [
      '',
      '{}',
      '[]',
      'null',
      '{"topic":"tag:a","version":-1,"kind":"publish","at":0}',
      '{"topic":"tag:a","version":1,"kind":"other","at":0}',
    ])
      expect(parseEvent(odd)).toBeUndefined()
  })
})
