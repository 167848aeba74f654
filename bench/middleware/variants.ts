import middy from '@middy/core'
import * as util from '@middy/util'
import { createTokens, type TokenHandle } from '@warmtoken/core'
import { custom } from '@warmtoken/core/custom'
import { withTokens } from '@warmtoken/core/handler'
import { warmTokens } from '@warmtoken/core/middy'
import type { Context } from 'aws-lambda'

type Invoke = (event: unknown, context: Context) => unknown

/** One way to have a token on the context of a handler. */
export interface Variant {
  readonly name: string
  readonly part?: 'limit' | 'ours' | 'beside'
  open(): Promise<Invoke>
}

const TOKEN = 'x'.repeat(1024)
const HOUR = 3_600_000
async function fresh(): Promise<string> {
  return TOKEN
}
async function answer(_event: unknown, context: object): Promise<number> {
  return Object.keys(context).length
}

async function openToken(): Promise<TokenHandle> {
  const source = custom({ identity: 'middleware', fetch: async () => ({ value: TOKEN, lifetime: HOUR }) })
  const crm = createTokens({ directory: false }).use(source)
  await crm.get()
  return crm
}

/** Its types leave out two functions that Middy's middlewares are made of. */
const { assignSetToContext, buildSetToContextSpec } = util as unknown as {
  buildSetToContextSpec(options: object): unknown
  assignSetToContext(spec: unknown, value: unknown, request: object): undefined
}

/** Middy's own pattern for what is fetched and kept, as its middlewares for AWS services are written. */
function middyPattern(cacheKey: string, fetch: () => object): middy.MiddlewareObj {
  const options = { cacheKey, cacheExpiry: HOUR, setToContext: true, fetchData: { crm: 'crm' } }
  const spec = buildSetToContextSpec(options)
  return {
    before: (request) => {
      const { value } = util.processCache(options as never, fetch as never, request as never)
      Object.assign(request.internal, value)
      return assignSetToContext(spec, value, request)
    },
  }
}

async function secretsManager(): Promise<middy.MiddlewareObj> {
  const { default: secrets } = await import('@middy/secrets-manager')
  const AwsClient = class {
    async send(): Promise<object> {
      return { SecretString: TOKEN }
    }
  }
  const options = { AwsClient, fetchData: { crm: 'crm' }, setToContext: true, cacheExpiry: HOUR }
  return secrets(options as never) as unknown as middy.MiddlewareObj
}

function use(middleware: unknown): Invoke {
  return middy()
    .use(middleware as middy.MiddlewareObj)
    .handler(answer) as Invoke
}

/** All ways that are compared. */
export const variants: readonly Variant[] = [
  { name: 'handler without Middy', part: 'beside', open: async () => answer },
  { name: 'Middy with nothing', part: 'limit', open: async () => middy().handler(answer) as Invoke },
  { name: 'Middy + an empty before', part: 'beside', open: async () => use({ before: () => undefined }) },
  { name: 'Middy + an empty async before', part: 'beside', open: async () => use({ before: async () => undefined }) },
  { name: 'Middy + warmTokens', part: 'ours', open: async () => use(warmTokens({ crm: await openToken() })) },
  {
    name: 'withTokens, without Middy',
    part: 'beside',
    open: async () => withTokens({ crm: await openToken() }, answer) as Invoke,
  },
  {
    name: 'Middy + @middy/util, a value',
    open: async () => use(middyPattern('value', () => ({ crm: TOKEN }))),
  },
  {
    name: 'Middy + @middy/util, a promise',
    open: async () => use(middyPattern('promise', () => ({ crm: fresh() }))),
  },
  { name: 'Middy + secrets-manager', open: async () => use(await secretsManager()) },
]
