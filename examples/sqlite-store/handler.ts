import { createTokens } from '@warmtoken/core'
import { withTokens } from '@warmtoken/core/handler'
import { clientCredentials } from '@warmtoken/core/oauth2'
import { openDatabase, sqliteStore } from './sqlite-store.ts'

const { DATABASE = '', ISSUER = '', CLIENT_ID = '', CLIENT_SECRET = '', API_URL = '' } = process.env

const tokens = createTokens({ store: sqliteStore(openDatabase(DATABASE)), directory: false })

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
