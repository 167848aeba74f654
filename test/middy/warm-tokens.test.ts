import middy7 from '@middy/core'
import { getInternal } from '@middy/util'
import { createTokens, type Runtime, Token, type TokenHandle, type Tokens } from '@warmtoken/core'
import { custom } from '@warmtoken/core/custom'
import { withTokens } from '@warmtoken/core/handler'
import { memoryStore } from '@warmtoken/core/memory'
import { type WarmTokensOptions, warmTokens } from '@warmtoken/core/middy'
import type { Context } from 'aws-lambda'
import middy6 from 'middy6'
import { describe, expect, expectTypeOf, it, vi } from 'vitest'

const HOUR = 3_600_000

/**
 * A Lambda context that still has some time. By Middy's types a handler is called with all that its middlewares put on
 * the context; by its code, and in Lambda, without it.
 */
function contextWith(remaining = 10_000): Context & { readonly crm: Token } {
  return { getRemainingTimeInMillis: () => remaining, awsRequestId: 'one' } as Context & { readonly crm: Token }
}

interface Setup {
  readonly tokens: Tokens
  readonly crm: TokenHandle
  readonly fetches: () => number
  /** Lets time pass on every clock. */
  readonly pass: (ms: number) => void
}

function setUp(
  fetch: (n: number, signal: AbortSignal) => Promise<{ value: string; lifetime: number }> = async (n) => ({
    value: `token-${n}`,
    lifetime: HOUR,
  }),
): Setup {
  let fetches = 0
  let passed = 0
  const wall = (): number => Date.now() + passed
  const runtime: Runtime = {
    wall,
    monotonic: () => performance.now() + passed,
    random: Math.random,
    unique: () => crypto.randomUUID(),
    after(ms, callback) {
      const timer = setTimeout(callback, ms)
      return () => clearTimeout(timer)
    },
  }
  const tokens = createTokens({ directory: false, runtime, store: memoryStore({ wall }) })
  const crm = tokens.use(custom({ identity: 'crm', fetch: ({ signal }) => fetch(++fetches, signal) }))
  const pass = (ms: number): void => {
    passed += ms
  }
  return { tokens, crm, fetches: () => fetches, pass }
}

// The two versions differ in types beyond what one variable can hold; the middleware must fit both.
const versions = [
  ['6', middy6 as unknown as typeof middy7],
  ['7', middy7],
] as const

describe.each(versions)('warmTokens with Middy %s', (_version, middy) => {
  it('puts the token on the context, from the source first and from memory then', async () => {
    const { crm, fetches } = setUp()
    const handler = middy<unknown, string>()
      .use(warmTokens({ crm }))
      .handler(async (_event, { crm: token }) => `${token.tier} ${token.value}`)
    expect(await handler({}, contextWith())).toBe('source token-1')
    expect(await handler({}, contextWith())).toBe('memory token-1')
    expect(fetches()).toBe(1)
  })

  it('leaves the rest of the context as it was', async () => {
    const { crm } = setUp()
    const handler = middy<unknown, string>()
      .use(warmTokens({ crm }))
      .handler(async (_event, context) => context.awsRequestId)
    expect(await handler({}, contextWith())).toBe('one')
  })

  it('holds a promise in request.internal until the token is available, and the token then', async () => {
    const { crm } = setUp()
    const seen: unknown[] = []
    const look = ({ internal }: { readonly internal: { readonly crm?: unknown } }): void => void seen.push(internal.crm)
    const handler = middy<unknown, string>()
      .use(warmTokens({ crm }, { setToContext: false }))
      .before(look)
      .before(async ({ internal }) => void (await (internal as { readonly crm?: unknown }).crm))
      .before(look)
      .handler(async () => 'done')
    await handler({}, contextWith())
    await handler({}, contextWith())
    expect(seen.map((one) => one instanceof Promise)).toEqual([true, false, false, false])
    expect(seen.slice(1).every((one) => one instanceof Token)).toBe(true)
  })

  it('leaves what another middleware has put in place of a promise', async () => {
    const { crm } = setUp()
    const wrap = ({ internal }: { readonly internal: { crm?: unknown } }): void => {
      internal.crm = Promise.resolve(internal.crm).then((token) => ({ client: token }))
    }
    const handler = middy<unknown, string>()
      .use(warmTokens({ crm }, { setToContext: false }))
      .before(wrap)
      .before(async () => void (await crm.get()))
      .before(async (request) => {
        const { crm: wrapped } = await getInternal(['crm'], request as never)
        Object.assign(request.context, { wrapped })
      })
      .handler(async (_event, context) => Object.keys((context as unknown as { wrapped: object }).wrapped).join())
    expect(await handler({}, contextWith())).toBe('client')
  })

  it('puts its own token on the context where requests beside each other share what is internal', async () => {
    const { crm } = setUp()
    const token = await crm.get()
    const [one, two] = [Promise.withResolvers<Token>(), Promise.withResolvers<Token>()]
    const asked = [one, two]
    const gated: TokenHandle = { ...crm, peek: () => undefined, get: async () => asked.shift()?.promise ?? token }
    const seen: unknown[] = []
    const handler = middy<unknown, void>({ internal: {} } as never)
      .use(warmTokens({ crm: gated }))
      .handler(async (_event, { crm: own }) => void seen.push(own))
    const both = [handler({}, contextWith()), handler({}, contextWith())]
    await vi.waitFor(() => expect(asked).toEqual([]))
    one.resolve(token)
    await vi.waitFor(() => expect(seen).toEqual([token]))
    two.resolve(token)
    await Promise.all(both)
    expect(seen).toEqual([token, token])
  })

  it('works with getInternal, also without setToContext', async () => {
    const { crm } = setUp()
    const handler = middy<unknown, string>()
      .use(warmTokens({ crm }, { setToContext: false }))
      .before(async (request) => {
        const { crm: token } = await getInternal(['crm'], request as never)
        Object.assign(request.context, { found: token })
      })
      .handler(async (_event, context) => {
        expect(Object.keys(context)).not.toContain('crm')
        return String((context as unknown as { found: Token }).found.value)
      })
    expect(await handler({}, contextWith())).toBe('token-1')
    expect(await handler({}, contextWith())).toBe('token-1')
  })

  it('shows its hooks by name to the plugins of Middy', async () => {
    const { crm } = setUp()
    const names: string[] = []
    const handler = middy<unknown, string>({ beforeMiddleware: (name: string) => void names.push(name) })
      .use(warmTokens({ crm }))
      .handler(async () => 'done')
    await handler({}, contextWith())
    expect(names).toEqual(['warmTokensBefore', 'warmTokensAfter'])
    const failing = middy<unknown, string>({ beforeMiddleware: (name: string) => void names.push(name) })
      .use(warmTokens({ crm }))
      .handler(async () => {
        throw new Error('no')
      })
    await expect(failing({}, contextWith())).rejects.toThrow('no')
    expect(names.at(-1)).toBe('warmTokensOnError')
  })

  it('fails the invocation with the typed error, which onError sees', async () => {
    const { crm } = setUp(async () => {
      throw new Error('the issuer is down')
    })
    let seen: unknown
    const handler = middy<unknown, string>()
      .use(warmTokens({ crm }))
      .onError((request) => {
        seen = request.error
      })
      .handler(async () => 'not reached')
    await expect(handler({}, contextWith())).rejects.toMatchObject({ name: 'SourceUnavailableError' })
    expect(seen).toMatchObject({ code: 'SOURCE_FAILED' })
  })

  it('lets an unawaited failure end nothing when the tokens are not put on the context', async () => {
    const { crm } = setUp(async () => {
      throw new Error('the issuer is down')
    })
    const handler = middy<unknown, string>()
      .use(warmTokens({ crm }, { setToContext: false }))
      .handler(async () => 'done')
    expect(await handler({}, contextWith())).toBe('done')
  })

  it('asks for a life that outlives the invocation, unless told otherwise', async () => {
    const asked: unknown[] = []
    const { crm, tokens } = setUp()
    const watched: TokenHandle = {
      ...crm,
      tokens,
      get: (options) => {
        asked.push(options?.minLifetime)
        return crm.get(options)
      },
    }
    const run = async (options?: WarmTokensOptions) =>
      middy<unknown, string>()
        .use(warmTokens({ crm: watched }, options))
        .handler(async () => 'done')({}, contextWith(25_000))
    await run()
    await crm.reject(await crm.get())
    expect(asked).toEqual([25_000])
    const fresh = setUp()
    const second: TokenHandle = {
      ...fresh.crm,
      get: (options) => {
        asked.push(options?.minLifetime)
        return fresh.crm.get(options)
      },
    }
    await middy<unknown, string>()
      .use(warmTokens({ crm: second }, { minLifetime: 1_234 }))
      .handler(async () => 'done')({}, contextWith())
    expect(asked).toEqual([25_000, 1_234])
  })
})

describe.each(versions)('what was started beside a handler under Middy %s', (_version, middy) => {
  /** A token with a minute left, and so stale; its refresh ends when the test says so, or with its signal. */
  const stale = async () => {
    let release: () => void = () => {}
    let aborted = false
    const gate = new Promise<void>((resolve) => {
      release = resolve
    })
    const setup = setUp(async (n, signal) => {
      if (n === 1) return { value: 'token-1', lifetime: HOUR }
      signal.addEventListener('abort', () => {
        aborted = true
        release()
      })
      await gate
      return { value: `token-${n}`, lifetime: HOUR }
    })
    await setup.crm.get()
    setup.pass(HOUR - 60_000)
    return { ...setup, release, aborted: () => aborted }
  }

  it('is finished before the answer goes out', async () => {
    const { crm, release, fetches } = await stale()
    const handler = middy<unknown, string>()
      .use(warmTokens({ crm }, { minLifetime: 0 }))
      .handler(async (_event, { crm: token }) => {
        setTimeout(release, 20)
        return token.value
      })
    expect(await handler({}, contextWith())).toBe('token-1')
    expect([fetches(), crm.peek()?.value]).toEqual([2, 'token-2'])
  })

  it('is finished before an error goes out', async () => {
    const { crm, release } = await stale()
    const handler = middy<unknown, string>()
      .use(warmTokens({ crm }, { minLifetime: 0 }))
      .handler(async () => {
        setTimeout(release, 20)
        throw new Error('no')
      })
    await expect(handler({}, contextWith())).rejects.toThrow('no')
    expect(crm.peek()?.value).toBe('token-2')
  })

  it('is given up when the invocation has no time left, so that the answer still gets out', async () => {
    const { crm, aborted } = await stale()
    const handler = middy<unknown, string>()
      .use(warmTokens({ crm }, { minLifetime: 0, margin: 300 }))
      .handler(async (_event, { crm: token }) => token.value)
    expect(await handler({}, contextWith(500))).toBe('token-1')
    expect(aborted()).toBe(true)
  })
})

describe('wrong arguments are refused at wiring', () => {
  const { crm } = setUp()
  it.each([
    [{ setToContex: true }, 'setToContex'],
    [{ setToContext: 'yes' }, 'setToContext'],
    [{ minLifetime: -1 }, 'minLifetime'],
    [{ minLifetime: 'forever' }, 'minLifetime'],
    [{ margin: '1s' }, 'margin'],
  ])('options %j by the name of "%s"', (options, name) => {
    const wire = (): unknown => warmTokens({ crm }, options as unknown as WarmTokensOptions)
    expect(wire).toThrow(TypeError)
    expect(wire).toThrow(`"${name}"`)
  })

  it.each([[undefined], [null], [{}], [{ crm: undefined }], [{ crm: 'token' }], [{ crm: Promise.resolve() }]])(
    'handles %j',
    (handles) => {
      expect(() => warmTokens(handles as unknown as { crm: TokenHandle })).toThrow(TypeError)
    },
  )
})

describe('a handler without Middy', () => {
  it('has the tokens on its context too', async () => {
    const { crm } = setUp()
    const handler = withTokens({ crm }, async (event: { n: number }, { crm: token }) => `${event.n} ${token.value}`)
    expect(await handler({ n: 7 }, contextWith())).toBe('7 token-1')
  })

  it('may be synchronous, and may be called without a context', async () => {
    const { crm } = setUp()
    const handler = withTokens({ crm }, (_event: unknown, { crm: token }) => token.tier)
    expect(await handler({}, undefined as never)).toBe('source')
    expect(await handler({}, {})).toBe('memory')
  })

  it('fails with the typed error, and with its own', async () => {
    const broken = setUp(async () => {
      throw new Error('down')
    })
    const failing = withTokens({ crm: broken.crm }, () => 'not reached')
    await expect(failing({}, contextWith())).rejects.toMatchObject({ code: 'SOURCE_FAILED' })
    const { crm } = setUp()
    const own = withTokens({ crm }, () => {
      throw new RangeError('mine')
    })
    await expect(own({}, contextWith())).rejects.toThrow(RangeError)
  })

  it('is refused at wiring when its arguments are wrong', () => {
    const { crm } = setUp()
    expect(() => withTokens({}, () => 1)).toThrow(TypeError)
    expect(() => withTokens({ crm }, undefined as never)).toThrow(
      new TypeError('withTokens: give a handler, a function'),
    )
    expect(() => withTokens({ crm }, () => 1, { margn: 1 } as never)).toThrow('"margn"')
  })
})

describe('the types', () => {
  it('say that the context has a Token under each name, for both versions of Middy', () => {
    const { crm } = setUp()
    middy7()
      .use(warmTokens({ crm }))
      .handler(async (_event, context) => {
        expectTypeOf(context.crm).toEqualTypeOf<Token>()
        expectTypeOf(context.awsRequestId).toEqualTypeOf<string>()
        // @ts-expect-error a name that was not wired
        context.erp
      })
    middy6()
      .use(warmTokens({ crm }))
      .handler(async (_event, context) => {
        expectTypeOf(context.crm).toEqualTypeOf<Token>()
        expectTypeOf(context.awsRequestId).toEqualTypeOf<string>()
      })
    withTokens({ crm }, (_event: unknown, context) => {
      expectTypeOf(context.crm).toEqualTypeOf<Token>()
    })
    // @ts-expect-error a typo is an error of types too
    expect(() => warmTokens({ crm }, { setToContex: true })).toThrow(TypeError)
  })
})
