// What a hit loads is measured on this handler: Middy, the middleware, the engine, a source and a store.
import middy, { type MiddyfiedHandler } from '@middy/core'
import { dynamoDBStore } from '@warmtoken/adapters-aws/dynamodb'
import { createTokens, type Token } from '@warmtoken/core'
import { warmTokens } from '@warmtoken/core/middy'
import { clientCredentials } from '@warmtoken/core/oauth2'
import type { Context } from 'aws-lambda'

/** Where the servers of the test are. */
const { TOKEN_ENDPOINT, TABLE_ENDPOINT, TOKEN_DIRECTORY } = process.env

const tokens = createTokens({
  store: dynamoDBStore({
    table: 'tokens',
    region: 'eu-central-1',
    endpoint: TABLE_ENDPOINT ?? 'http://127.0.0.1:1',
  }),
  directory: TOKEN_DIRECTORY ?? false,
})
const crm = tokens.use(
  clientCredentials({
    tokenEndpoint: TOKEN_ENDPOINT ?? 'http://127.0.0.1:1/token',
    allowInsecure: true,
    clientId: 'crm',
    clientSecret: () => 'only-for-this-test',
  }),
)

/** Answers with the tier that its token came from. */
export const handler: MiddyfiedHandler<unknown, string, Error, Context & { readonly crm: Token }> = middy<
  unknown,
  string
>()
  .use(warmTokens({ crm }))
  .handler(async (_event, { crm }) => crm.tier)
