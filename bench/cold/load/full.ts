import middy from '@middy/core'
import { dynamoDBStore } from '@warmtoken/adapters-aws/dynamodb'
import { createTokens } from '@warmtoken/core'
import { warmTokens } from '@warmtoken/core/middy'
import { clientCredentials } from '@warmtoken/core/oauth2'

const store = dynamoDBStore({ table: 'tokens', env: process.env })
const crm = createTokens({ store }).use(
  clientCredentials({ tokenEndpoint: 'https://issuer.example/token', clientId: 'crm', clientSecret: () => 'none' }),
)

/** The handler. */
export const handler: unknown = middy()
  .use(warmTokens({ crm }))
  .handler(async (_event, context) => Object.keys(context))
