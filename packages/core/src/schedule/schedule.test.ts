import { describe, expect, it } from 'vitest'
import type { Store } from '../contracts.ts'
import { virtualRuntime } from '../lib/virtual-runtime.test-data.ts'
import { memoryStore } from '../stores/memory.ts'
import { createSchedule, type ItemRun, plan, type ScheduleOptions } from './schedule.ts'

const MINUTE = 60_000
/** A multiple of a day. */
const MIDNIGHT = 20_820 * 86_400_000

/** A source that keeps what it published, by parameter. */
function publisher(now: () => number) {
  const published = new Map<string, number[]>()
  const failing = new Set<string>()
  const asked: string[] = []
  let running = 0
  let most = 0
  const source = {
    async get(params: string, { maxAge }: { readonly maxAge: number; readonly timeout: number }) {
      asked.push(params)
      running += 1
      most = Math.max(most, running)
      await Promise.resolve()
      running -= 1
      if (failing.has(params)) throw Object.assign(new Error('a secret text'), { code: 'DOWN' })
      const all = published.get(params) ?? []
      if (now() - (all.at(-1) ?? Number.NEGATIVE_INFINITY) <= maxAge) return
      published.set(params, [...all, now()])
    },
  }
  return {
    source,
    published,
    failing,
    asked,
    most: () => most,
    countOf: (params: string) => published.get(params)?.length ?? 0,
  }
}

function stage(start = MIDNIGHT) {
  const clock = virtualRuntime(start)
  const store = memoryStore({ wall: clock.now })
  const schedule = (options: Omit<ScheduleOptions, 'store'> & { readonly store?: Store }) =>
    createSchedule({ store, runtime: clock.runtime, ...options })
  return { ...clock, store, schedule, ...publisher(clock.now) }
}

/** Random numbers from a seed. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

const outcomes = (runs: readonly ItemRun[]) => runs.map(({ name, outcome }) => `${name} ${outcome}`)

describe('a tick', () => {
  it('refreshes what is due, once for each boundary, in every environment', async () => {
    const { schedule, source, advance, countOf, finish } = stage()
    const refreshes = plan({ name: 'main', items: [{ name: 'board', source, params: 'board', every: '5m' }] })
    const one = schedule({ plan: refreshes })
    const other = schedule({ plan: refreshes })
    expect((await one.handler()).runs).toMatchObject([
      { name: 'board', boundary: MIDNIGHT, outcome: 'ok', refreshed: 1 },
    ])
    expect((await other.handler()).runs).toEqual([])
    await advance(5 * MINUTE - 1_000)
    expect((await other.handler()).runs).toEqual([])
    await advance(2_000)
    const both = await finish(Promise.all([one.handler(), other.handler()]))
    expect(both.flatMap(({ runs }) => outcomes(runs))).toEqual(['board ok'])
    expect(countOf('board')).toBe(2)
  })

  it('makes up what was missed, once', async () => {
    const { schedule, source, advance, countOf } = stage()
    const { handler } = schedule({
      plan: plan({ name: 'main', items: [{ name: 'board', source, params: 'board', every: '5m' }] }),
    })
    await handler()
    await advance(63 * MINUTE)
    expect((await handler()).runs).toMatchObject([{ boundary: MIDNIGHT + 60 * MINUTE, outcome: 'ok' }])
    expect((await handler()).runs).toEqual([])
    expect(countOf('board')).toBe(2)
  })

  it('runs at times of the day in the zone of the plan, also where the clocks change', async () => {
    // Berlin: 2027-03-28, 02:00 becomes 03:00.
    const { schedule, source, advance } = stage(Date.parse('2027-03-27T12:00:00Z'))
    const { handler, status } = schedule({
      plan: plan({
        name: 'main',
        zone: 'Europe/Berlin',
        items: [{ name: 'board', source, params: 'x', at: ['02:30', '18:00'] }],
      }),
    })
    expect((await handler()).runs[0]?.boundary).toBe(Date.parse('2027-03-27T01:30:00Z'))
    await advance(6 * 60 * MINUTE)
    expect((await handler()).runs[0]?.boundary).toBe(Date.parse('2027-03-27T17:00:00Z'))
    expect((await status())[0]?.nextAt).toBe(Date.parse('2027-03-28T01:30:00Z'))
    await advance(24 * 60 * MINUTE)
    expect((await handler()).runs[0]?.boundary).toBe(Date.parse('2027-03-28T16:00:00Z'))
  })

  it('takes the higher priority first, then what is due for longer', async () => {
    const { schedule, source, asked } = stage(MIDNIGHT + 7 * MINUTE)
    const items = [
      { name: 'a', source, params: 'recent', every: '1m' },
      { name: 'b', source, params: 'late', every: '5m' },
      { name: 'c', source, params: 'urgent', every: '1m', priority: 5 },
    ] as const
    await schedule({ plan: plan({ name: 'main', items }), concurrency: 1 }).handler()
    expect(asked).toEqual(['urgent', 'late', 'recent'])
  })

  it('runs no more at once than its concurrency', async () => {
    const { schedule, source, most } = stage()
    const list = Array.from({ length: 50 }, (_, index) => `p${index}`)
    const items = [
      { name: 'list', source, list, every: '5m' },
      { name: 'other', source, list: list.map((one) => `other ${one}`), every: '5m' },
    ] as const
    await schedule({ plan: plan({ name: 'main', items }) }).handler()
    expect(most()).toBe(4)
  })

  it('continues a list at its cursor, where the limit or the time ended the last tick', async () => {
    const { schedule, source, advance, asked, finish, runtime } = stage()
    const list = () => Promise.resolve(Array.from({ length: 50 }, (_, index) => `p${index}`))
    const made = (limit: number) => plan({ name: 'main', items: [{ name: 'list', source, list, every: '1h', limit }] })
    const { handler, status } = schedule({ plan: made(20) })
    expect((await handler()).runs).toMatchObject([{ outcome: 'left', refreshed: 20 }])
    expect((await status())[0]).toMatchObject({ doneAt: undefined, cursor: 20 })
    await advance(MINUTE)
    const slow = {
      async get(params: string, how: { maxAge: number; timeout: number }) {
        await new Promise<void>((resolve) => runtime.after(600, resolve))
        return source.get(params, how)
      },
    }
    const slowPlan = plan({ name: 'main', items: [{ name: 'list', source: slow, list, every: '1h' }] })
    // Time for one chunk of 16, four at a time, above the 12 s that a refresh may need.
    const short = schedule({ plan: slowPlan }).handler({}, { getRemainingTimeInMillis: () => 14_000 })
    expect((await finish(short)).runs).toMatchObject([{ outcome: 'left', refreshed: 16 }])
    await advance(MINUTE)
    expect((await handler()).runs).toMatchObject([{ outcome: 'ok', refreshed: 14 }])
    expect(asked).toEqual(await list())
    expect((await status())[0]).toMatchObject({ doneAt: MIDNIGHT, cursor: 0 })
  })

  it('starts no refresh of a list that might not end in time, and keeps its claim while they wait', async () => {
    const { schedule, source, finish, runtime, asked, advance } = stage()
    const slow = {
      async get(params: string, how: { maxAge: number; timeout: number }) {
        await new Promise<void>((resolve) => runtime.after(9_000, resolve))
        return source.get(params, how)
      },
    }
    const list = Array.from({ length: 16 }, (_, index) => `p${index}`)
    const made = plan({ name: 'main', items: [{ name: 'list', source: slow, list, every: '1h' }] })
    const first = schedule({ plan: made }).handler({}, { getRemainingTimeInMillis: () => 38_000 })
    // Longer than a claim lasts that nobody renews.
    await advance(25_000)
    expect((await finish(schedule({ plan: made }).handler())).runs).toEqual([])
    // Rounds of four begin at 0, 9 and 18 s; at 27 s there are less than 12 s left.
    expect((await finish(first)).runs).toMatchObject([{ outcome: 'left', refreshed: 12 }])
    expect(asked).toEqual(list.slice(0, 12))
  })

  it('says what is wrong with a function that has too little time to refresh anything', async () => {
    const { schedule, source, asked } = stage()
    const items = [{ name: 'board', source, params: 'board', every: '5m' }] as const
    const { handler } = schedule({ plan: plan({ name: 'main', items }) })
    const run = handler({}, { getRemainingTimeInMillis: () => 6_000 })
    await expect(run).rejects.toThrow(/6000 ms left .* raise its timeout above 12000 ms, or lower "timeout"/)
    expect(asked).toEqual([])
  })

  it('tries a failure again after a pause that doubles, and reports its code but not its text', async () => {
    const { schedule, source, failing, advance, asked } = stage()
    const items = [{ name: 'board', source, params: 'board', every: '1h' }] as const
    const { handler, status } = schedule({ plan: plan({ name: 'main', items }) })
    failing.add('board')
    const first = await handler()
    expect(first.runs).toMatchObject([{ outcome: 'failed', code: 'DOWN' }])
    const triedAt: number[] = [0]
    for (let minute = 1; minute <= 16; minute += 1) {
      await advance(MINUTE + 1_000)
      if ((await handler()).runs.length > 0) triedAt.push(minute)
    }
    expect(triedAt).toEqual([0, 1, 3, 7, 15])
    expect((await status())[0]).toMatchObject({ failures: 5, code: 'DOWN', doneAt: undefined })
    failing.clear()
    await advance(16 * MINUTE + 1_000)
    expect((await handler()).runs).toMatchObject([{ outcome: 'ok' }])
    expect((await status())[0]).toMatchObject({ failures: 0, code: undefined, doneAt: MIDNIGHT })
    expect(asked).toHaveLength(6)
    expect(JSON.stringify([first, await status()])).not.toContain('secret text')
  })

  it('refreshes the rest of a list where one fails, and only that one again', async () => {
    const { schedule, source, failing, advance, published, countOf } = stage()
    const list = Array.from({ length: 30 }, (_, index) => `p${index}`)
    const { handler } = schedule({ plan: plan({ name: 'main', items: [{ name: 'list', source, list, every: '1h' }] }) })
    failing.add('p3')
    expect((await handler()).runs).toMatchObject([{ outcome: 'failed', refreshed: 30, code: 'DOWN' }])
    expect(published.size).toBe(29)
    failing.clear()
    await advance(MINUTE + 1_000)
    expect((await handler()).runs).toMatchObject([{ outcome: 'ok' }])
    expect(list.every((one) => countOf(one) === 1)).toBe(true)
  })

  it('asks a token to outlive its next boundary', async () => {
    const { schedule } = stage(MIDNIGHT + 10 * MINUTE)
    const asked: unknown[] = []
    const handle = { get: async (options: unknown) => void asked.push(options), reject: () => {} }
    const family = { for: (tenant: string) => ({ ...handle, get: async () => void asked.push(tenant) }) }
    const items = [
      { name: 'crm', source: handle, every: '30m' },
      { name: 'tenants', source: family, list: ['one', 'two'], every: '30m' },
    ] as const
    await schedule({ plan: plan({ name: 'main', items }) }).handler()
    const [first] = asked as readonly { readonly minLifetime: number }[]
    // The time until the boundary and a minute; the server's clock is known to some ms.
    expect(Math.abs((first?.minLifetime ?? 0) - 21 * MINUTE)).toBeLessThan(200)
    expect(asked.slice(1)).toEqual(['one', 'two'])
  })

  it('starts from scratch where the record is damaged, and rejects when the store refuses', async () => {
    const { schedule, source, store, advance, countOf } = stage()
    const items = [{ name: 'board', source, params: 'board', every: '1h' }] as const
    const made = plan({ name: 'main', items })
    await schedule({ plan: made }).handler()
    const spoilt: Store = {
      ...store,
      async read(key, how) {
        const seen = await store.read(key, how)
        return { ...seen, image: seen.image && { ...seen.image, body: '{"schema":1,"items":[["board",9e99],7]}' } }
      },
    }
    await advance(MINUTE)
    expect((await schedule({ plan: made, store: spoilt }).handler()).runs).toMatchObject([{ outcome: 'ok' }])
    // It was young enough: nothing was published twice.
    expect(countOf('board')).toBe(1)
    const denied: Store = {
      ...store,
      read: async () => Promise.reject(Object.assign(new Error('no'), { code: 'STORE_DENIED', retryable: false })),
    }
    await expect(schedule({ plan: made, store: denied }).handler()).rejects.toMatchObject({ code: 'STORE_DENIED' })
  })

  it.each([1, 2, 3, 4])(
    'killed at random, publishes each boundary of 200 items once and skips none (seed %i)',
    async (seed) => {
      const random = seeded(seed)
      const { now, advance, runtime, store, source, published } = stage()
      const items = Array.from({ length: 200 }, (_, index) => ({
        name: `item-${index}`,
        params: `p${index}`,
        every: ([10, 15, 20][index % 3] ?? 0) * MINUTE,
        priority: index % 5,
        source,
      }))
      let kills = 0

      /** A tick in an environment of its own, which dies at a random operation: before it, or when it was applied. */
      const tick = (mayDie: boolean): void => {
        let left =
          mayDie && random() < 0.5 ? Math.floor(random() * (random() < 0.5 ? 15 : 250)) : Number.POSITIVE_INFINITY
        const dead = new Promise<never>(() => {})
        const operation = async <T>(call: () => Promise<T>): Promise<T> => {
          left -= 1
          if (left < 0) return dead
          if (left > 0) await new Promise<void>((resolve) => runtime.after(1 + random() * 60, resolve))
          if (left === 0 && random() < 0.5) kills += 1
          else if (left === 0) return dead
          const result = await call()
          return left === 0 ? dead : result
        }
        const mortal: Store = {
          name: 'mortal',
          read: (key, how) => operation(() => store.read(key, how)),
          swap: (key, swap, how) => operation(() => store.swap(key, swap, how)),
        }
        const own = items.map((item) => ({
          ...item,
          source: {
            get: (params: string, how: { maxAge: number; timeout: number }) => operation(() => source.get(params, how)),
          },
        }))
        // The timers of a dead one stop with it.
        const after: typeof runtime.after = (ms, callback) => runtime.after(ms, () => left > 0 && callback())
        const { handler } = createSchedule({
          store: mortal,
          runtime: { ...runtime, after, random },
          plan: plan({ name: 'main', items: own }),
        })
        handler({}, { getRemainingTimeInMillis: () => 50_000 }).catch(() => {})
      }

      const minutes = 121
      for (let minute = 0; minute < minutes; minute += 1) {
        // The last ticks before the end live, so that the last boundary can be judged.
        tick(minute < minutes - 4)
        if (random() < 0.2) tick(true)
        await advance(MINUTE)
      }
      const wrong: string[] = []
      for (const { params, every } of items) {
        for (let boundary = MIDNIGHT; boundary + every <= now(); boundary += every) {
          const times = (published.get(params) ?? []).filter((at) => at >= boundary && at < boundary + every)
          if (times.length !== 1)
            wrong.push(`${params} at minute ${(boundary - MIDNIGHT) / MINUTE}: ${times.length} times`)
        }
      }
      expect(wrong).toEqual([])
      expect(kills).toBeGreaterThan(3)
    },
  )
})
