/**
 * What every place must do that knows who follows which live events, as cases for any test runner.
 *
 * @module
 */

import assert from 'node:assert/strict'
import type { Subscribers } from '@warmtoken/core/live'

/** One behavior. `run` resolves when it is there, and rejects with an `AssertionError` when it is not. */
export interface SubscribersCase {
  readonly name: string
  run(): Promise<void>
}

const HOUR = 3_600_000
/** The pages that are read of a topic at most. */
const MAX_PAGES = 100
const PATIENCE = 10_000

interface Kit {
  readonly topic: string
  add(connection: string, until?: number, topics?: readonly string[]): Promise<void>
  drop(connection: string, topics?: readonly string[]): Promise<void>
  /** All connections of a topic, by pages of `limit`. */
  all(limit?: number, topic?: string): Promise<readonly string[]>
}

function makeKit(subscribers: Subscribers): Kit {
  const topic = `tag:${crypto.randomUUID()}`
  const options = () => ({ signal: AbortSignal.timeout(PATIENCE) })
  return {
    topic,
    add: (connection, until = Date.now() + HOUR, topics = [topic]) =>
      subscribers.add(topics, connection, until, options()),
    drop: (connection, topics = [topic]) => subscribers.drop(topics, connection, options()),
    async all(limit = 100, of = topic) {
      const found: string[] = []
      let cursor: string | undefined
      for (let page = 0; page < MAX_PAGES; page += 1) {
        const { connections, next } = await subscribers.page(of, cursor, limit, options())
        found.push(...connections)
        if (next === undefined) return found.sort()
        cursor = next
      }
      return assert.fail(`the pages of a topic have no end`)
    },
  }
}

const CASES: { readonly [name: string]: (kit: Kit) => Promise<void> } = {
  'a topic that nobody follows has no connections': async ({ all }) => {
    assert.deepEqual(await all(), [])
  },
  'a connection that was added is on the next page at once': async ({ add, all }) => {
    await add('a=')
    assert.deepEqual(await all(), ['a='])
  },
  'a connection that was added twice is there once': async ({ add, all }) => {
    await add('a')
    await add('a')
    assert.deepEqual(await all(), ['a'])
  },
  'one call adds a connection to many topics, and drops it from some': async ({ add, drop, all, topic }) => {
    const topics = Array.from({ length: 100 }, (_, index) => `${topic}-${index}`)
    await add('a', undefined, topics)
    await drop('a', topics.slice(50))
    assert.deepEqual(await all(10, topics[0]), ['a'])
    assert.deepEqual(await all(10, topics[99]), [])
  },
  'a connection that was dropped is gone, and dropping it again is harmless': async ({ add, drop, all }) => {
    await add('a')
    await add('b')
    await drop('a')
    await drop('a')
    assert.deepEqual(await all(), ['b'])
  },
  'a connection whose end has come is on no page': async ({ add, all }) => {
    await add('old', Date.now() - HOUR)
    await add('young')
    assert.deepEqual(await all(), ['young'])
  },
  'pages hold every connection once': async ({ add, all }) => {
    const until = Date.now() + HOUR
    const names = Array.from({ length: 57 }, (_, index) => `c-${String(index).padStart(2, '0')}`)
    // Many with one end: paging by the end alone would lose some of them.
    await Promise.all(names.map((name, index) => add(name, until + (index % 3))))
    for (const limit of [1, 7, 57, 100]) assert.deepEqual(await all(limit), names, `by pages of ${limit}`)
  },
  'parallel writers lose nothing': async ({ add, drop, all }) => {
    const names = Array.from({ length: 60 }, (_, index) => `c-${String(index).padStart(2, '0')}`)
    await Promise.all(names.map((name) => add(name)))
    await Promise.all(names.slice(30).map((name) => drop(name)))
    assert.deepEqual(await all(), names.slice(0, 30))
  },
  'topics with any characters are apart': async ({ add, all, topic }) => {
    for (const odd of [`${topic}#0`, `${topic}:*`, `${topic} ü`]) await add('a', undefined, [odd])
    assert.deepEqual(await all(), [])
    assert.deepEqual(await all(5, `${topic}:*`), ['a'])
  },
}

/**
 * All that every implementation of `Subscribers` must do. Topics are new for each case, so that it may be tested again and
 * again.
 *
 * @example
 * ```ts
 * for (const { name, run } of subscribersConformance(() => mySubscribers())) test(name, run)
 * ```
 */
export function subscribersConformance(subject: () => Subscribers | Promise<Subscribers>): readonly SubscribersCase[] {
  return Object.entries(CASES).map(([name, trial]) => ({ name, run: async () => trial(makeKit(await subject())) }))
}
