import { bentocacheDriver } from '@warmtoken/core/bentocache'
import { createCache } from '@warmtoken/core/data'
import { memoryStore } from '@warmtoken/core/memory'
import { registerCacheDriverTestSuite } from 'bentocache/test_suite'
import { afterAll, afterEach, assert, beforeAll, it } from 'vitest'

// The official suite registers its tests with Japa. These few calls of it are given to Vitest.
const cleanups: (() => unknown)[] = []
const register = (title: string, run: (context: object) => Promise<void>): void =>
  it(title, async () => {
    const later: (() => unknown)[] = []
    const japa = Object.assign(Object.create(assert), { deepEqual: assert.deepEqual, isTrue: assert.isTrue })
    await run({ assert: japa, cleanup: (end: () => unknown) => later.push(end) })
    for (const end of later) await end()
  })
const group = {
  setup: (start: () => Promise<() => unknown>) => {
    beforeAll(async () => {
      cleanups.push(await start())
    })
  },
  tap: () => {},
  each: { teardown: (end: () => Promise<void>) => afterEach(end) },
}
afterAll(async () => {
  for (const end of cleanups) await end()
})

const cache = createCache({ name: 'bento', store: memoryStore(), recheck: 0, onEvent: () => {} })

registerCacheDriverTestSuite({
  test: register as never,
  group: group as never,
  createDriver: (options?: { readonly prefix?: string }) => bentocacheDriver(cache, options) as never,
} as never)
