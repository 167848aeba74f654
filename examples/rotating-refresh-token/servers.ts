import { randomBytes } from 'node:crypto'
import { startDynamoDB, startIssuer, startProtectedApi } from '@warmtoken/local'

/** Starts an issuer whose refresh tokens rotate, an API, and a table, and lets a person sign in. */
export async function startServers() {
  const issuer = await startIssuer({ clients: [{ id: 'mailer', secret: 'only-for-local-runs' }] })
  const api = await startProtectedApi({ issuer: issuer.url, audience: issuer.audience })
  const dynamoDB = await startDynamoDB({ tables: ['tokens'] })
  return {
    issuer,
    api,
    environment: {
      TOKEN_TABLE: 'tokens',
      ISSUER: issuer.url,
      CLIENT_ID: 'mailer',
      CLIENT_SECRET: 'only-for-local-runs',
      ACCOUNT: 'newsletter@example.com',
      SEED: await issuer.signIn('mailer', 'newsletter@example.com'),
      RING: JSON.stringify({ current: '1', keys: { 1: randomBytes(32).toString('base64') } }),
      API_URL: api.url,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
      AWS_ENDPOINT_URL_DYNAMODB: dynamoDB.url,
    },
    async close() {
      await Promise.all([issuer, api, dynamoDB].map((server) => server.close()))
    },
  }
}
