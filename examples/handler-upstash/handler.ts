import { upstashStore } from '@warmtoken/adapters-upstash/redis'
import { createTokens } from '@warmtoken/core'
import { withTokens } from '@warmtoken/core/handler'
import { clientCredentials } from '@warmtoken/core/oauth2'

const { ISSUER = '', CLIENT_ID = '', CLIENT_SECRET = '', API_URL = '' } = process.env
const { UPSTASH_REDIS_REST_URL = '', UPSTASH_REDIS_REST_TOKEN = '' } = process.env

const tokens = createTokens({
  store: upstashStore({ url: UPSTASH_REDIS_REST_URL, token: UPSTASH_REDIS_REST_TOKEN }),
  // No file: this example keeps its token in memory and in Redis only.
  directory: false,
})

const crm = tokens.use(
  clientCredentials({
    issuer: ISSUER,
    clientId: CLIENT_ID,
    clientSecret: CLIENT_SECRET,
    // The issuer on this machine speaks http. Anywhere else http is refused.
    allowInsecure: ISSUER.startsWith('http://127.0.0.1:'),
  }),
)

export const handler = withTokens({ crm }, async (_event, { crm: token }) => {
  const response = await crm.fetch(`${API_URL}/contacts`)
  return {
    statusCode: response.status,
    headers: { 'content-type': 'application/json', 'x-token-tier': token.tier },
    body: await response.text(),
  }
})
