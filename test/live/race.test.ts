import {
  createLive,
  createSockets,
  createVersions,
  type LiveEvent,
  type LiveVersion,
  memorySubscribers,
  webSocketPublisher,
} from '@warmtoken/core/live'
import { memoryStore } from '@warmtoken/core/memory'
import { expect, it } from 'vitest'

const TOPIC = 'tag:posts'
const SEEDS = 1_000
/** The longest pause of a request, and before the write, in turns of the queue of microtasks. */
const TURNS = 12
const START = 250

/** A small generator of numbers in [0, 1): the same seed gives the same numbers. */
function seeded(seed: number): () => number {
  let state = seed * 2_654_435_761
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32
  }
}

/** One world: a subscription races with a write and its direct publishing. Resolves to what the client was told at last. */
async function run(seed: number): Promise<{ readonly told: number; readonly how: string }> {
  const random = seeded(seed)
  const pause = async (longest = TURNS): Promise<void> => {
    for (let turns = Math.floor(random() * longest); turns > 0; turns -= 1) await Promise.resolve()
  }
  const slow =
    <Args extends unknown[], T>(call: (...args: Args) => Promise<T>) =>
    async (...args: Args): Promise<T> => {
      await pause()
      const result = await call(...args)
      await pause()
      return result
    }
  const plain = memorySubscribers()
  const subscribers = { ...plain, add: slow(plain.add), page: slow(plain.page) }
  const table = memoryStore()
  let truth = 0
  let told = 0
  let how = 'nothing'
  const hear = (by: string, versions: readonly (LiveEvent | LiveVersion)[]): void => {
    for (const { version } of versions) if (version > told) [told, how] = [version, by]
  }
  const connections = {
    name: 'fake',
    post: slow(async (_connection: string, text: string) => {
      hear('push', (JSON.parse(text) as { events: LiveEvent[] }).events)
      return 'sent' as const
    }),
    close: async () => {},
  }
  const of = slow(async (): Promise<readonly LiveVersion[]> => [{ topic: TOPIC, version: truth }])
  const handler = createSockets({
    store: table,
    subscribers,
    connections,
    versions: createVersions({ store: table, of }),
    origins: [],
    mayRead: () => true,
  })
  const context = { connectionId: 'c', authorizer: { user: 'ann', session: 's', data: '{}' } }
  await handler({ requestContext: { ...context, routeKey: '$connect' } })
  const live = createLive({ publisher: webSocketPublisher({ store: table, subscribers, connections }) })

  const write = async (): Promise<void> => {
    await pause(START)
    truth = 1
    live.publish({ topic: TOPIC, version: 1, kind: 'publish', at: 0 })
    await live.settle()
  }
  const subscribe = async (): Promise<void> => {
    await pause()
    const body = JSON.stringify({ action: 'subscribe', id: 1, topics: [TOPIC] })
    const answer = await handler({ requestContext: { ...context, routeKey: '$default' }, body })
    hear('ack', (JSON.parse(answer.body ?? '{}') as { versions: LiveVersion[] }).versions)
  }
  await Promise.all([write(), subscribe()])
  return { told, how }
}

it('a subscription that races with a write receives it, by its acknowledgment or by a push, in 1,000 worlds', async () => {
  const ways = new Map<string, number>()
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const { told, how } = await run(seed)
    expect(told, `seed ${seed}`).toBe(1)
    ways.set(how, (ways.get(how) ?? 0) + 1)
  }
  // The race was one: both ways were taken.
  expect([...ways.keys()].sort()).toEqual(['ack', 'push'])
})
