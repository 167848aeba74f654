import middy, { type MiddyfiedHandler } from '@middy/core'
import type { TokenHandle, Tokens } from '@warmtoken/core'
import { type InternalTokens, type WithTokens, warmTokens } from '@warmtoken/core/middy'
import type { Context } from 'aws-lambda'
import { type Answer, callApi, makeTokens, useApi } from './tokens.ts'

type Handles = { readonly api: TokenHandle }
type Internal = Record<string, unknown> & InternalTokens<Handles>

export const tokens: Tokens = makeTokens()
export const api: TokenHandle = useApi(tokens)

/** The example, with patience. */
export const handler: MiddyfiedHandler<unknown, Answer, Error, Context & WithTokens<Handles>, Internal> = middy<
  unknown,
  Answer
>()
  .use(warmTokens({ api }))
  .handler((_event, { api: token }) => callApi(api, token))
