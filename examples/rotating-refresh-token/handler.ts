import { dynamoDBStore } from '@warmtoken/adapters-aws/dynamodb'
import { createTokens } from '@warmtoken/core'
import { SignInRequiredError } from '@warmtoken/core/errors'
import { refreshToken } from '@warmtoken/core/refresh-token'
import { aesGcm } from '@warmtoken/core/seal'

const { TOKEN_TABLE = '', ISSUER = '', CLIENT_ID = '', CLIENT_SECRET = '', API_URL = '' } = process.env
const { ACCOUNT = '', SEED = '', RING = '{}' } = process.env

const tokens = createTokens({
  store: dynamoDBStore({ table: TOKEN_TABLE, env: process.env }),
  // The newest refresh token is in the record, so the record is sealed.
  codec: aesGcm({ ring: () => JSON.parse(RING) }),
})

const mail = tokens.use(
  refreshToken({
    issuer: ISSUER,
    clientId: CLIENT_ID,
    clientSecret: CLIENT_SECRET,
    account: ACCOUNT,
    // What the person's sign-in gave. It is spent once; from then on the record has the newest refresh token.
    refreshToken: SEED,
    // The issuer on this machine speaks http. Anywhere else http is refused.
    allowInsecure: ISSUER.startsWith('http://127.0.0.1:'),
  }),
)

export async function handler(): Promise<{ readonly statusCode: number; readonly body: string }> {
  try {
    const response = await mail.fetch(`${API_URL}/contacts`)
    return { statusCode: response.status, body: await response.text() }
  } catch (error) {
    if (!(error instanceof SignInRequiredError)) throw error
    // The issuer no longer takes the refresh token. Ask the person; until then each call fails fast.
    return { statusCode: 401, body: JSON.stringify({ error: 'sign in again' }) }
  }
}
