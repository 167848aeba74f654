import type { Image, Seen, Store } from '@warmtoken/core/adapter'
import { memoryStore } from '@warmtoken/core/memory'
import { describe, expect, it } from 'vitest'
import type { StoreSubject } from './subject.ts'
import { storeConformance } from './suite.ts'

/** Runs all cases; resolves to the names of those that failed. */
async function failures(subject: StoreSubject): Promise<readonly string[]> {
  const failed: string[] = []
  for (const { name, run } of storeConformance(() => subject)) await run().catch(() => failed.push(name))
  return failed
}

const good = memoryStore()

/** A store that is right except for what is replaced. */
function broken(change: (inner: Store) => Partial<Store>): Store {
  const inner = memoryStore()
  return { ...inner, ...change(inner) }
}

function withImage(seen: Seen, change: (image: Image) => Image | undefined): Seen {
  return {
    ...seen,
    image: seen.image && change(seen.image),
  }
}

/** What is wrong with a store, and the case that must notice. */
const BROKEN: readonly (readonly [string, string, (inner: Store) => Partial<Store>])[] = [
  [
    'writes whatever was expected',
    'a first write is refused when something is there',
    (inner) => ({
      async swap(key, swap, how) {
        const { image } = await inner.read(key, { ...how, consistent: true })
        return inner.swap(key, { ...swap, expected: image }, how)
      },
    }),
  ],
  [
    'looks, waits, and then writes',
    'one of 200 that expect the same tag wins',
    (inner) => ({
      async swap(key, swap, how) {
        const seen = await inner.read(key, { ...how, consistent: true })
        if (seen.image?.tag !== swap.expected?.tag) return { outcome: 'conflict', seen }
        await new Promise((resolve) => setTimeout(resolve, 1))
        const { image } = await inner.read(key, { ...how, consistent: true })
        return inner.swap(key, { ...swap, expected: image }, how)
      },
    }),
  ],
  [
    'does not know its own write',
    'the same write again is the same write',
    (inner) => ({
      async swap(key, swap, how) {
        const seen = await inner.read(key, { ...how, consistent: true })
        return seen.image?.tag === swap.tag ? { outcome: 'conflict', seen } : inner.swap(key, swap, how)
      },
    }),
  ],
  [
    'applies an old write again',
    'the same write again changes nothing after someone else has written',
    (inner) => {
      const written = new Set<string>()
      return {
        async swap(key, swap, how) {
          const { image } = await inner.read(key, { ...how, consistent: true })
          const isOld = written.has(swap.tag)
          written.add(swap.tag)
          return inner.swap(key, isOld ? { ...swap, expected: image } : swap, how)
        },
      }
    },
  ],
  [
    'gives no image with a conflict',
    'the image of a conflict can be expected without a read',
    (inner) => ({
      async swap(key, swap, how) {
        const result = await inner.swap(key, swap, how)
        return result.outcome === 'conflict' ? { ...result, seen: { ...result.seen, image: undefined } } : result
      },
    }),
  ],
  [
    'says "absent" when it is aborted',
    'a read under a signal that has aborted never says "absent"',
    (inner) => ({
      read: async (key, how) => (how.signal.aborted ? { image: undefined, time: undefined } : inner.read(key, how)),
    }),
  ],
  [
    'trims bodies',
    'bodies come back to the letter',
    (inner) => ({
      read: async (key, how) =>
        withImage(await inner.read(key, how), (image) => ({ ...image, body: image.body.trim() })),
    }),
  ],
  [
    'makes numbers of tags',
    'tags are compared as text',
    (inner) => ({
      read: async (key, how) =>
        withImage(await inner.read(key, how), (image) =>
          /^\d+$/.test(image.tag) ? { ...image, tag: String(Number(image.tag)) } : image,
        ),
    }),
  ],
  [
    'is blind to case',
    'odd keys are keys of their own',
    (inner) => ({
      read: (key, how) => inner.read(key.toLowerCase(), how),
      swap: (key, swap, how) => inner.swap(key.toLowerCase(), swap, how),
    }),
  ],
  [
    'cuts long bodies',
    'big bodies come back whole',
    (inner) => ({ swap: (key, swap, how) => inner.swap(key, { ...swap, body: swap.body.slice(0, 65_536) }, how) }),
  ],
  [
    'leaves absent keys out',
    'reading many returns for each key what reading one returns',
    (inner) => ({
      readMany: async (keys, how) => {
        const found = (await inner.readMany?.(keys, how)) ?? new Map<string, Seen>()
        return new Map([...found].filter(([, { image }]) => image !== undefined))
      },
    }),
  ],
  [
    'has a clock that is a minute slow',
    'every answer tells the time as an interval that holds the true one',
    (inner) => ({
      read: async (key, how) => ({
        ...(await inner.read(key, how)),
        time: { at: Date.now() - 60_000, precision: 1_000 },
      }),
    }),
  ],
  [
    'keeps records no longer than at first asked',
    'a later write keeps the record longer',
    (inner) => {
      const until = new Map<string, number>()
      return {
        read: async (key, how) =>
          Date.now() > (until.get(key) ?? Number.POSITIVE_INFINITY)
            ? { image: undefined, time: undefined }
            : inner.read(key, how),
        swap: (key, swap, how) => {
          if (!until.has(key)) until.set(key, swap.keepUntil)
          return inner.swap(key, swap, how)
        },
      }
    },
  ],
]

describe('the suite', () => {
  it.concurrent('passes a store that is right', async () => {
    expect(await failures({ store: good, sharesClock: true })).toEqual([])
  })

  it.concurrent.each(BROKEN)('notices a store that %s', async (_what, behavior, change) => {
    expect(await failures({ store: broken(change), sharesClock: true })).toContain(behavior)
  })

  it.concurrent('reports as gaps what it has no means to try', async () => {
    const gaps: string[] = []
    for (const { name, run } of storeConformance(() => ({ store: good, sharesClock: true }))) {
      if ((await run()) !== 'pass') gaps.push(name)
    }
    expect(gaps.length).toBeGreaterThan(15)
    expect(gaps).toContain('a write whose answer is lost is known by its tag')
  })
})

/** A store before which things can go wrong, done right or wrong by `onLost`. */
function faulty(onLost: 'unknown' | 'rejected' | 'conflict' | 'absent'): StoreSubject {
  const inner = memoryStore()
  let left = 0
  const strike = (): boolean => {
    left -= 1
    return left >= 0
  }
  const lost = (message: string): Error =>
    Object.assign(new Error(message), { code: 'STORE_UNAVAILABLE', retryable: true })
  const store: Store = {
    name: 'faulty',
    async read(key, how) {
      if (strike() && onLost === 'absent') return { image: undefined, time: undefined }
      return inner.read(key, how)
    },
    async swap(key, swap, how) {
      if (!strike()) return inner.swap(key, swap, how)
      await inner.swap(key, swap, how)
      if (onLost === 'rejected') throw lost(`lost ${swap.body}`)
      if (onLost === 'conflict')
        return { outcome: 'conflict', seen: await inner.read(key, { ...how, consistent: true }) }
      return { outcome: 'unknown', cause: lost('lost') }
    },
  }
  return {
    store,
    sharesClock: true,
    faults: {
      inject(kind, times) {
        if (kind !== 'lost-reply') return false
        left = times
        return true
      },
      heal() {
        left = 0
      },
    },
  }
}

describe('the suite, with the means to lose answers,', () => {
  it.concurrent('passes a store that is right', async () => {
    expect(await failures(faulty('unknown'))).toEqual([])
  })

  it.concurrent.each([
    ['rejects a write that was applied', 'rejected', 'a write whose answer is lost is known by its tag'],
    ['takes its own write for another’s', 'conflict', 'a write whose answer is lost is known by its tag'],
    ['takes silence for "absent"', 'absent', 'a read outlives one lost answer'],
  ] as const)('notices a store that %s', async (_what, onLost, behavior) => {
    expect(await failures(faulty(onLost))).toContain(behavior)
  })
})

/** A store that announces, done right or with marks that outlive their write. */
function announcing(isSticky: boolean): StoreSubject {
  const inner = memoryStore()
  const announced = new Map<string, string>()
  const store: Store = {
    ...inner,
    async swap(key, swap, how) {
      const result = await inner.swap(key, swap, how)
      if (result.outcome !== 'swapped') return result
      if (swap.announce !== undefined) announced.set(key, swap.announce)
      else if (!isSticky) announced.delete(key)
      return result
    },
  }
  const takeAnnounced = async (key: string) => [announced.get(key) ?? []].flat()
  return { store, sharesClock: true, takeAnnounced }
}

describe('the suite, with announcements to look at,', () => {
  it.concurrent('passes a store that is right', async () => {
    expect(await failures(announcing(false))).toEqual([])
  })

  it.concurrent('notices a store that announces an earlier write again', async () => {
    expect(await failures(announcing(true))).toEqual(['only a write with an announcement is announced'])
  })
})
