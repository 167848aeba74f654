import { createCache } from '@warmtoken/core/data'
import { createLive, createVersions, type LiveEvent, type LiveVersion, rootTopic } from '@warmtoken/core/live'
import { memoryStore } from '@warmtoken/core/memory'
import { describe, expect, it } from 'vitest'

function made() {
  const table = memoryStore()
  const events: LiveEvent[] = []
  const live = createLive({ publisher: { name: 'noting', publish: async (some) => void events.push(...some) } })
  const store = live.store(table)
  return { table, store, events, live }
}

const bare = ({ topic, key, version }: LiveVersion): LiveVersion => ({
  topic,
  ...(key !== undefined && { key }),
  version,
})

describe('the versions of a data cache', () => {
  it('are those that its invalidations announced: of each tag, of patterns and of everything', async () => {
    const { table, store, events, live } = made()
    const shop = createCache({ store, name: 'shop' })
    const root = rootTopic({ name: 'shop' })
    const versions = createVersions({ store: table, caches: [{ name: 'shop' }] })
    const before = await versions(['tag:team:7', root])
    expect(before.map(({ topic, version }) => [topic, version])).toEqual([
      ['tag:team:7', 0],
      [root, 0],
    ])
    await shop.invalidate({ tags: ['team:7'] })
    await shop.invalidate({ tags: ['team:7'], stale: true })
    await shop.invalidate({ match: 'project:*' })
    await live.settle()
    expect(events.map(({ topic }) => topic)).toEqual(['tag:team:7', 'tag:team:7', root])
    // The same keys: for a client an event and a version of one record are of one kind.
    expect(await versions(['tag:team:7', root])).toEqual(
      [events[1], events[2]].map((event) => bare(event as LiveEvent)),
    )
    await shop.invalidate({ everything: true })
    await live.settle()
    expect(await versions([root])).toEqual([bare(events[3] as LiveEvent)])
  })

  it('are told for each cache that has the tag, and beside those of your own topics', async () => {
    const { table, store } = made()
    const caches = [{ name: 'shop' }, { name: 'shop', namespace: 'blue' }] as const
    await createCache({ store, ...caches[1] }).invalidate({ tags: ['a'] })
    const own = { topic: 'tag:a', key: 'mine', version: 3 }
    const told = await createVersions({ store: table, caches, of: async () => [own] })(['tag:a'])
    expect(told.map(({ version }) => version > 0)).toEqual([false, true, true])
    expect(new Set(told.map(({ key }) => key)).size).toBe(3)
    expect(told.at(-1)).toEqual(own)
  })

  it('are 0 for a record that is damaged', async () => {
    const { table } = made()
    const versions = createVersions({ store: table, caches: [{ name: 'shop' }] })
    const [{ key = '' } = {}] = await versions(['tag:a'])
    const signal = AbortSignal.timeout(100_000)
    const swap = { expected: undefined, tag: 't', keepUntil: Date.now() + 60_000 }
    await table.swap(key, { ...swap, body: JSON.stringify({ schema: 1, key, hard: 1e15, soft: 0 }) }, { signal })
    expect(await versions(['tag:a'])).toEqual([{ topic: 'tag:a', key, version: 0 }])
  })
})

describe('the versions of topics', () => {
  it('fit into a frame: a topic with too many keys is told as a whole, the one with the most first', async () => {
    const many = (topic: string, count: number): LiveVersion[] =>
      Array.from({ length: count }, (_, n) => ({ topic, key: `${'k'.repeat(100)}${n}`, version: n + 1 }))
    const topics = Array.from({ length: 20 }, (_, n) => `tag:t${n}`)
    const of = async () => topics.flatMap((topic, n) => many(topic, n === 0 ? 3 : 190))
    const told = await createVersions({ store: memoryStore(), of })(topics)
    expect(JSON.stringify({ ack: 1, versions: told }).length).toBeLessThan(32 * 1024)
    expect(told.filter(({ topic }) => topic === 'tag:t0')).toEqual(many('tag:t0', 3))
    expect(told).toContainEqual({ topic: 'tag:t1', version: 190 })
    // No topic is left out.
    expect(new Set(told.map(({ topic }) => topic))).toEqual(new Set(topics))
    const wide = await createVersions({ store: memoryStore(), of: async () => many('tag:t0', 201) })(['tag:t0'])
    expect(wide).toEqual([{ topic: 'tag:t0', version: 201 }])
  })

  it('require a list of caches with names', () => {
    expect(() => createVersions({ store: memoryStore(), caches: [{}] as never })).toThrow('"caches"')
  })
})
