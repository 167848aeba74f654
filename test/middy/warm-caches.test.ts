import middy7 from '@middy/core'
import { createCache } from '@warmtoken/core/data'
import { withCaches } from '@warmtoken/core/handler'
import { memoryStore } from '@warmtoken/core/memory'
import { warmCaches } from '@warmtoken/core/middy'
import type { Context } from 'aws-lambda'
import middy6 from 'middy6'
import { describe, expect, it } from 'vitest'
import { movable } from '../interop/movable.ts'

/** A cache whose value is stale at once when time passes, and whose loader waits while it is held. */
function setUp() {
  let loads = 0
  let gate: Promise<unknown> = Promise.resolve()
  const aborted: boolean[] = []
  const { runtime, advance } = movable()
  const cache = createCache({
    name: 'shop',
    store: memoryStore({ wall: runtime.wall }),
    onEvent: () => {},
    runtime,
  })
  const board = cache.use({
    key: 'board:{id}',
    fresh: 60_000,
    usable: 3_600_000,
    async load(_params, { signal }) {
      loads += 1
      const value = loads
      signal.addEventListener('abort', () => aborted.push(true))
      await gate
      return value
    },
  })
  return {
    cache,
    loads: () => loads,
    aborted,
    read: () => board.get({ id: 1 }),
    /** Makes the value stale, so that the next read starts a refresh beside it. */
    async makeStale() {
      await board.get({ id: 1 })
      advance(120_000)
    },
    hold() {
      let open: (value?: unknown) => void = () => {}
      gate = new Promise((resolve) => {
        open = resolve
      })
      return open
    },
  }
}

type Read = () => Promise<number | undefined>
type Call = (context: Context) => Promise<unknown>
type World = ReturnType<typeof setUp>

function contextWith(remaining = 10_000): Context {
  return { getRemainingTimeInMillis: () => remaining } as Context
}

/** A handler of Middy 6 or 7, which differ in types beyond what one variable can hold. */
const byMiddy =
  (middy: typeof middy7) =>
  ({ cache }: World, read: Read): Call => {
    const handler = middy()
      .use(warmCaches(cache))
      .handler(async () => read())
    return async (context) => handler({}, context)
  }

const ways: readonly (readonly [string, (world: World, read: Read) => Call])[] = [
  ['warmCaches of Middy 6', byMiddy(middy6 as unknown as typeof middy7)],
  ['warmCaches of Middy 7', byMiddy(middy7)],
  [
    'withCaches',
    ({ cache }, read) => {
      const handler = withCaches([cache], async (_event: object, _context: Context) => read())
      return (context) => handler({}, context)
    },
  ],
  [
    'withCaches for a handler that streams',
    ({ cache }, read) => {
      const handler = withCaches(cache, async (_event: object, _stream: object, _context: Context) => read(), {
        streaming: true,
      })
      return (context) => handler({}, {}, context)
    },
  ],
]

describe.each(ways)('%s', (_way, wrap) => {
  it('answers with the usable value, and returns once the refresh beside it is kept', async () => {
    const world = setUp()
    await world.makeStale()
    const open = world.hold()
    let answered: unknown
    const call = wrap(world, async () => {
      const value = await world.read()
      answered = value
      // The refresh ends only after the handler has its value.
      setImmediate(open)
      return value
    })
    expect(await call(contextWith())).toBe(1)
    expect(answered).toBe(1)
    expect(world.cache.busy).toBe(false)
    expect(await world.read()).toBe(2)
    expect(world.loads()).toBe(2)
  })

  it('settles the refresh after an error of the handler, which stays the error', async () => {
    const world = setUp()
    await world.makeStale()
    const call = wrap(world, async () => {
      await world.read()
      throw new Error('no')
    })
    await expect(call(contextWith())).rejects.toThrow('no')
    expect(world.cache.busy).toBe(false)
    expect(await world.read()).toBe(2)
  })

  it('waits for no refresh beyond the time that the invocation has left, and aborts it', async () => {
    const world = setUp()
    await world.makeStale()
    world.hold()
    const call = wrap(world, world.read)
    expect(await call(contextWith(310))).toBe(1)
    expect(world.aborted).toEqual([true])
  })

  it('leaves: what is read outside an invocation starts no refresh beside it', async () => {
    const world = setUp()
    await wrap(world, world.read)(contextWith())
    await world.makeStale()
    expect(await world.read()).toBe(2)
  })
})

describe('an early answer by a middleware that is used later', () => {
  it('ends with the next invocation: what is read after that one starts no refresh beside it', async () => {
    const world = setUp()
    let isEarly = true
    const handler = middy7()
      .use(warmCaches(world.cache))
      .use({ before: async () => (isEarly ? 'early' : undefined) })
      .handler(async () => world.read())
    expect(await handler({}, contextWith())).toBe('early')
    isEarly = false
    expect(await handler({}, contextWith())).toBe(1)
    await world.makeStale()
    expect(await world.read()).toBe(2)
  })
})

describe('wrong use', () => {
  it.each<[string, () => unknown, string]>([
    ['no cache', () => warmCaches([]), 'warmCaches: give a cache that createCache made'],
    ['a resource', () => warmCaches({ get() {} } as never), 'warmCaches: give a cache that createCache made'],
    ['an unknown option', () => warmCaches(setUp().cache, { marge: 1 } as never), 'unknown option "marge"'],
    ['no handler', () => withCaches(setUp().cache, undefined as never), 'withCaches: give a handler, a function'],
  ])('is refused: %s', (_what, use, message) => {
    expect(use).toThrow(message)
  })
})
