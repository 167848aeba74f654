import middy7 from '@middy/core'
import { createTokens, type TokenHandle } from '@warmtoken/core'
import { custom } from '@warmtoken/core/custom'
import { memoryStore } from '@warmtoken/core/memory'
import { type WarmTokensMiddleware, warmTokens } from '@warmtoken/core/middy'
import type { Context } from 'aws-lambda'
import middy6 from 'middy6'
import { describe, expect, it } from 'vitest'

const HOUR = 3_600_000

function contextWith(remaining = 10_000): Context & { readonly a: never } {
  return { getRemainingTimeInMillis: () => remaining } as unknown as Context & { readonly a: never }
}

/** A toolkit with clocks of its own and one token, whose source gives `a-1`, `a-2` and so on, when it is let. */
function environment(name = 'a') {
  let [passed, fetches] = [0, 0]
  let gate: Promise<void> = Promise.resolve()
  const wall = (): number => Date.now() + passed
  const tokens = createTokens({
    directory: false,
    store: memoryStore({ wall }),
    runtime: {
      wall,
      monotonic: () => performance.now() + passed,
      random: Math.random,
      unique: () => crypto.randomUUID(),
      after(ms, callback) {
        const timer = setTimeout(callback, ms)
        return () => clearTimeout(timer)
      },
    },
  })
  const fetch = async () => {
    fetches += 1
    const value = `${name}-${fetches}`
    await gate
    return { value, lifetime: HOUR }
  }
  const handle = tokens.use(custom({ identity: name, fetch }))
  return {
    handle,
    fetches: () => fetches,
    /** Holds the source until the returned function is called. */
    hold() {
      let open: () => void = () => {}
      gate = new Promise((resolve) => {
        open = resolve
      })
      return open
    },
    /** Makes the token stale: old, and still good for a minute. */
    age() {
      passed += HOUR - 60_000
    },
    /** Whether a stale token is returned at once, its refresh in the background of the caller: only while someone will settle it. */
    async refreshesBeside() {
      const before = (await handle.get()).value
      passed += HOUR - 60_000
      const { value } = await handle.get()
      // The refresh that runs beside would be shared by the next look.
      await tokens.settle()
      return value === before
    },
  }
}

// The two versions differ in types beyond what one variable can hold; the middleware must fit both.
const versions = [
  ['6', middy6 as unknown as typeof middy7],
  ['7', middy7],
] as const

describe.each(versions)('an invocation under Middy %s', (_version, middy) => {
  type Middleware = WarmTokensMiddleware<{ readonly a: TokenHandle }>
  const answering = (before: Middleware) => {
    const answer = () => 'early'
    return middy<unknown, string>()
      .use(before)
      .before(answer as never)
      .handler(async () => 'late')
  }
  const plain = (before: Middleware) =>
    middy<unknown, string>()
      .use(before)
      .handler(async () => 'done')

  it('is over for each of two of the middleware in one stack', async () => {
    const [one, two] = [environment('a'), environment('b')]
    const handler = middy<unknown, string>()
      .use(warmTokens({ a: one.handle }))
      .use(warmTokens({ b: two.handle }))
      .handler(async () => 'done')
    for (let n = 0; n < 3; n += 1) expect(await handler({}, contextWith() as never)).toBe('done')
    expect([await one.refreshesBeside(), await two.refreshesBeside()]).toEqual([false, false])
  })

  it('is over where one middleware is used twice in a stack', async () => {
    const { handle, refreshesBeside } = environment()
    const twice = warmTokens({ a: handle })
    const handler = middy<unknown, string>()
      .use(twice)
      .use(twice)
      .handler(async () => 'done')
    for (let n = 0; n < 3; n += 1) await handler({}, contextWith())
    expect(await refreshesBeside()).toBe(false)
  })

  it('that a later middleware answered early is over with the next one', async () => {
    const { handle, refreshesBeside } = environment()
    const middleware = warmTokens({ a: handle })
    for (let n = 0; n < 3; n += 1) expect(await answering(middleware)({}, contextWith())).toBe('early')
    await plain(middleware)({}, contextWith())
    expect(await refreshesBeside()).toBe(false)
  })

  it('that was answered early leaves its refresh to the next one, which finishes it', async () => {
    const { handle, hold, age, fetches } = environment()
    const middleware = warmTokens({ a: handle }, { minLifetime: 0 })
    await handle.get()
    age()
    const open = hold()
    await answering(middleware)({}, contextWith())
    const next = plain(middleware)({}, contextWith())
    open()
    await next
    expect([fetches(), handle.peek()?.value]).toEqual([2, 'a-2'])
  })

  it('that failed before the middleware had its turn ends nothing', async () => {
    const { handle, refreshesBeside } = environment()
    const middleware = warmTokens({ a: handle })
    const failing = middy<unknown, string>()
      .before(() => {
        throw new Error('no')
      })
      .use(middleware)
      .handler(async () => 'not reached')
    await answering(middleware)({}, contextWith())
    await expect(failing({}, contextWith())).rejects.toThrow('no')
    await plain(middleware)({}, contextWith())
    expect(await refreshesBeside()).toBe(false)
  })

  it('is left alone by others beside it, once two were seen to run at once', async () => {
    const { handle, age } = environment()
    const middleware = warmTokens({ a: handle }, { minLifetime: 0 })
    const within = async (work: () => Promise<unknown>): Promise<unknown> =>
      middy<unknown, unknown>()
        .use(middleware)
        .handler(() => work())({}, contextWith())
    await within(() => within(async () => 'done'))
    const old = await handle.get()
    const beside = await within(async () => {
      await within(async () => 'done')
      age()
      return (await handle.get()).value
    })
    expect([beside, handle.peek()?.value]).toEqual([old.value, 'a-2'])
  })

  it('without its tokens on the context does not end before what it asked for has come', async () => {
    const { handle, fetches } = environment()
    const handler = plain(warmTokens({ a: handle }, { setToContext: false }))
    await handler({}, contextWith())
    expect([fetches(), handle.peek()?.value]).toEqual([1, 'a-1'])
  })

  it('without its tokens on the context ends in time, whatever it asked for', async () => {
    const { handle } = environment()
    const stuck: TokenHandle = { ...handle, get: () => new Promise(() => {}), peek: () => undefined }
    const handler = plain(warmTokens({ a: stuck }, { setToContext: false, margin: 300 }))
    expect(await handler({}, contextWith(400))).toBe('done')
  })
})
