import { describe, expect, it } from 'vitest'
import type { Store } from '../contracts.ts'
import { createCache } from './cache.ts'
import { countingStore, fakeTime, gate } from './fake.test-data.ts'

/** Two environments, one of which a test can keep waiting for the answer to its next look or its next write. */
async function world() {
  const time = fakeTime()
  const { store } = countingStore(time.now)
  const held = { read: false, swap: false }
  const answers = gate()
  const slow: Store = {
    ...store,
    async readMany(keys, options) {
      const isHeld = held.read
      held.read = false
      const found = (await store.readMany?.(keys, options)) ?? new Map()
      if (isHeld) await answers.opened
      return found
    },
    async swap(key, swap, options) {
      const isHeld = held.swap
      held.swap = false
      const swapped = await store.swap(key, swap, options)
      if (isHeld) await answers.opened
      return swapped
    },
  }
  const bind = (of: Store) =>
    createCache({ name: 'shop', store: of, runtime: time.runtime }).use({
      key: 'page:{id}',
      usable: 600_000,
      load: () => 'old',
    })
  const [here, there] = [bind(slow), bind(store)]
  await time.run(there.get({ id: 1 }))
  // Loads what lies behind a hit, so that the next look is sent at once.
  await time.run(here.inspect({ id: 0 }))
  const sent = async (): Promise<void> => {
    for (let turn = 0; turn < 40; turn += 1) await new Promise((resolve) => setImmediate(resolve))
  }
  return { time, held, answers, here, there, sent }
}

describe('a look whose answer comes after that of a later look', () => {
  it('leaves in memory what the later one has shown, and counts from when it was sent', async () => {
    const { time, held, answers, here, there, sent } = await world()
    held.read = true
    const first = here.get({ id: 1 })
    await sent()
    time.pass(5)
    await time.run(there.set({ id: 1 }, 'new'))
    const acknowledgedAt = time.now()
    time.pass(600)
    expect(await time.run(here.inspect({ id: 1 }, { live: true }))).toMatchObject({ value: 'new' })
    answers.open()
    expect(await time.run(first)).toBe('old')
    expect(here.peek({ id: 1 })).toBe('new')
    time.pass(acknowledgedAt + 5_000 - time.now())
    expect(await time.run(here.get({ id: 1 }))).toBe('new')
  })

  it('is repeated by inspect, which shows the later state', async () => {
    const { time, held, answers, here, there, sent } = await world()
    held.read = true
    const first = here.inspect({ id: 1 }, { live: true })
    await sent()
    time.pass(5)
    await time.run(there.delete({ id: 1 }))
    expect(await time.run(here.inspect({ id: 1 }, { live: true }))).toBeUndefined()
    answers.open()
    expect(await time.run(first)).toBeUndefined()
    expect(here.peek({ id: 1 })).toBeUndefined()
  })
})

describe('a write whose answer comes after that of a later look', () => {
  it('leaves in memory what others wrote after it', async () => {
    const { time, held, answers, here, there, sent } = await world()
    held.swap = true
    const mine = here.set({ id: 1 }, 'mine')
    await sent()
    time.pass(5)
    await time.run(there.set({ id: 1 }, 'theirs'))
    const acknowledgedAt = time.now()
    time.pass(600)
    expect(await time.run(here.inspect({ id: 1 }, { live: true }))).toMatchObject({ value: 'theirs' })
    answers.open()
    await time.run(mine)
    expect(here.peek({ id: 1 })).toBe('theirs')
    time.pass(acknowledgedAt + 5_000 - time.now())
    expect(await time.run(here.get({ id: 1 }))).toBe('theirs')
  })
})
