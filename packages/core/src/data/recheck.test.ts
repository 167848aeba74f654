import { expect, it } from 'vitest'
import { createCache } from './cache.ts'
import type { CacheEvent } from './events.ts'
import { countingStore, fakeTime } from './fake.test-data.ts'

it('reads at most a hundred keys by one recheck, and emits how many entries that were', async () => {
  const time = fakeTime()
  const { store, counts } = countingStore(time.now)
  const events: CacheEvent[] = []
  const onEvent = (event: CacheEvent) => void events.push(event)
  const cache = createCache({ name: 'shop', store, runtime: time.runtime, onEvent })
  const resource = cache.use({ key: 'a:{id}', fresh: 600_000, load: async ({ id }) => id })
  const list = Array.from({ length: 150 }, (_, id) => ({ id }))
  await time.run(resource.getMany(list))
  time.pass(5_000)
  counts.reads = 0
  counts.keys = 0
  expect(await resource.get({ id: 0 })).toBe(0)
  expect(counts).toMatchObject({ reads: 1, keys: 100 })
  // One of the keys is the root.
  expect(events.filter(({ type }) => type === 'recheck')).toEqual([
    { type: 'recheck', entries: 99, dropped: 0, took: 0 },
  ])
})
