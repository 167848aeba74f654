import middy from '@middy/core'
import { dynamoDBStore } from '@warmtoken/adapters-aws/dynamodb'
import { createTokens } from '@warmtoken/core'
import { warmTokens } from '@warmtoken/core/middy'
import { clientCredentials } from '@warmtoken/core/oauth2'

const { TOKEN_TABLE = '', ISSUER = '', CLIENT_ID = '', CLIENT_SECRET = '', API_URL = '' } = process.env
const { TOKEN_DIRECTORY = '/tmp/warmtoken' } = process.env

const tokens = createTokens({
  store: dynamoDBStore({ table: TOKEN_TABLE, env: process.env }),
  directory: TOKEN_DIRECTORY,
})

const crm = tokens.use(
  clientCredentials({
    issuer: ISSUER,
    clientId: CLIENT_ID,
    clientSecret: CLIENT_SECRET,
    scope: ['contacts:read'],
    // The issuer on this machine speaks http. Anywhere else http is refused.
    allowInsecure: ISSUER.startsWith('http://127.0.0.1:'),
  }),
)

export const handler = middy()
  .use(warmTokens({ crm }))
  .handler(async (_event, { crm: token }) => {
    // `crm.fetch` puts the token on the request, and replaces it once if the API refuses it.
    const response = await crm.fetch(`${API_URL}/contacts`)
    return {
      statusCode: response.status,
      headers: { 'content-type': 'application/json', 'x-token-tier': token.tier },
      body: await response.text(),
    }
  })
