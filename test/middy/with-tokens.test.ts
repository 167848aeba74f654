import { Writable } from 'node:stream'
import middy from '@middy/core'
import { createTokens, type InvocationFamily, type Token, type TokenFamily } from '@warmtoken/core'
import { custom } from '@warmtoken/core/custom'
import { type LambdaContext, withTokens } from '@warmtoken/core/handler'
import { warmTokens } from '@warmtoken/core/middy'
import type {
  APIGatewayProxyEventV2,
  APIGatewayProxyHandlerV2,
  APIGatewayProxyResultV2,
  Context,
  SQSHandler,
  StreamifyHandler,
} from 'aws-lambda'
import { describe, expect, expectTypeOf, it } from 'vitest'

const HOUR = 3_600_000

/** A toolkit with one token, and a family of tokens by shop whose first token of a shop lives for `firstLifetime` ms. */
function setUp(firstLifetime = HOUR) {
  const asked: string[] = []
  const tokens = createTokens({ directory: false })
  const crm = tokens.use(custom({ identity: 'crm', fetch: async () => ({ value: 'crm-token', lifetime: HOUR }) }))
  const shops: TokenFamily<{ shop: string }> = tokens.use(
    custom<{ shop: string }>({
      identity({ shop }) {
        if (shop === undefined) throw new TypeError('the parameter "shop" is missing')
        return { shop }
      },
      async fetch({ params: { shop } }) {
        asked.push(shop)
        const isFirst = asked.filter((one) => one === shop).length === 1
        return { value: `${shop}-${asked.length}`, lifetime: isFirst ? firstLifetime : HOUR }
      },
    }),
  )
  return { crm, shops, asked }
}

function contextWith(remaining = 10_000): LambdaContext & { readonly shops: never } {
  const context = { getRemainingTimeInMillis: () => remaining, functionName: 'orders' }
  return context as unknown as LambdaContext & { readonly shops: never }
}

/** A stream that keeps what is written to it. */
function collecting() {
  const chunks: string[] = []
  const stream = new Writable({
    write(chunk, _encoding, done) {
      chunks.push(String(chunk))
      done()
    },
  })
  return { stream, text: () => chunks.join('') }
}

describe('a handler that streams its answer', () => {
  it('gets event, stream and context with its tokens, in this order', async () => {
    const { crm } = setUp()
    const handler = withTokens(
      { crm },
      async (event: { n: number }, stream: Writable, context) => {
        stream.end(`${event.n} ${context.crm.value} ${context.functionName}`)
      },
      { streaming: true },
    )
    const { stream, text } = collecting()
    await handler({ n: 7 }, stream, contextWith())
    expect(text()).toBe('7 crm-token orders')
  })

  it('is no handler that requires a callback to Lambda, which counts the parameters of a function', () => {
    const { crm } = setUp()
    expect(withTokens({ crm }, async () => 'done')).toHaveLength(0)
  })

  it('ignores the callback that Lambda hands to any other handler', async () => {
    const { crm } = setUp()
    const handler = withTokens({ crm }, async (_event: unknown, context) => context.crm.value)
    const called = handler as (...args: unknown[]) => Promise<string>
    expect(await called({}, contextWith(), () => {})).toBe('crm-token')
  })
})

describe('a family of tokens', () => {
  it('gives the handler of withTokens one token for each choice of parameters, fetched when it is asked for', async () => {
    const { crm, shops, asked } = setUp()
    const handler = withTokens({ crm, shops }, async (shop: string, context) => {
      const token = await context.shops.for({ shop })
      return `${context.crm.value} ${token.value}`
    })
    expect(await handler('north', contextWith())).toBe('crm-token north-1')
    expect(await handler('south', contextWith())).toBe('crm-token south-2')
    expect(await handler('north', contextWith())).toBe('crm-token north-1')
    expect(asked).toEqual(['north', 'south'])
  })

  it('gives the handler of warmTokens the same', async () => {
    const { shops } = setUp()
    const handler = middy<string, string>()
      .use(warmTokens({ shops }))
      .handler(async (shop, context) => (await context.shops.for({ shop })).value)
    expect(await handler('north', contextWith())).toBe('north-1')
  })

  it('asks for a lifetime that outlives the invocation', async () => {
    const { shops } = setUp(60_000)
    await shops.for({ shop: 'north' }).get()
    const handler = withTokens({ shops }, async (_event: unknown, context) => context.shops.for({ shop: 'north' }))
    expect((await handler({}, contextWith(10_000))).value).toBe('north-1')
    expect((await handler({}, contextWith(120_000))).short).toBe(true)
  })

  it('rejects with the error of the source for a missing parameter, and ends nothing when nobody waits', async () => {
    const { shops } = setUp()
    const handler = withTokens({ shops }, async (_event: unknown, context) => context.shops.for({} as never))
    await expect(handler({}, contextWith())).rejects.toThrow('"shop"')
  })
})

describe('the types of withTokens', () => {
  const { crm, shops } = setUp()

  it('have the context of Lambda by default, with every field that the types of aws-lambda have', () => {
    withTokens({ crm, shops }, (_event: unknown, context) => {
      expectTypeOf(context.crm).toEqualTypeOf<Token>()
      expectTypeOf(context.shops).toEqualTypeOf<InvocationFamily<{ shop: string }>>()
      expectTypeOf(context.awsRequestId).toEqualTypeOf<string>()
      // @ts-expect-error a name that was not wired
      context.erp
    })
    expectTypeOf<LambdaContext>().toExtend<Context>()
    expectTypeOf<Context>().toExtend<LambdaContext>()
  })

  it('take another context by its parameter', () => {
    interface Own {
      readonly invocationId: string
    }
    const handler = withTokens({ crm }, async (_event: unknown, { crm: token, invocationId }: Own & { crm: Token }) => {
      return `${invocationId} ${token.value}`
    })
    expectTypeOf(handler).toBeCallableWith({}, { invocationId: 'one' })
  })

  it('give a function that is a handler by the types of aws-lambda', () => {
    const http: APIGatewayProxyHandlerV2 = withTokens({ crm }, async (event, context) => {
      expectTypeOf(event).toEqualTypeOf<APIGatewayProxyEventV2>()
      return { statusCode: 200, body: context.crm.fingerprint }
    })
    // @ts-expect-error a number is not an answer of an API
    const wrong: APIGatewayProxyHandlerV2 = withTokens({ crm }, async (_event: APIGatewayProxyEventV2) => 7)
    expect([http, wrong].every((one) => typeof one === 'function')).toBe(true)
  })

  it('take a handler that is typed by aws-lambda', async () => {
    const typed: APIGatewayProxyHandlerV2 = async ({ rawPath }) => ({ statusCode: 200, body: rawPath })
    const queue: SQSHandler = async () => {}
    const handler = withTokens({ crm }, typed)
    expectTypeOf(handler).returns.resolves.toExtend<APIGatewayProxyResultV2 | undefined>()
    expect(withTokens({ crm }, queue)).toBeTypeOf('function')
    expect(await handler({ rawPath: '/a' } as APIGatewayProxyEventV2, contextWith())).toEqual({
      statusCode: 200,
      body: '/a',
    })
  })

  it('give a function for streamifyResponse', () => {
    const streaming: StreamifyHandler<unknown, void> = withTokens(
      { crm },
      async (_event, stream, context) => {
        expectTypeOf(context.crm).toEqualTypeOf<Token>()
        expectTypeOf(stream).toEqualTypeOf<awslambda.HttpResponseStream>()
        stream.end()
      },
      { streaming: true },
    )
    // @ts-expect-error three parameters without the option
    withTokens({ crm }, async (_event: unknown, _stream: Writable, _context: Context) => {})
    expect(streaming).toBeTypeOf('function')
  })
})
