import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startDynamoDB, startIssuer, startProtectedApi } from '@warmtoken/local'

/** Starts an issuer, an API that wants its tokens, and a table. `environment` points the handler at them. */
export async function startServers() {
  const issuer = await startIssuer({ clients: [{ id: 'crm', secret: 'only-for-local-runs' }] })
  const api = await startProtectedApi({ issuer: issuer.url, audience: issuer.audience })
  const dynamoDB = await startDynamoDB({ tables: ['tokens'] })
  const directory = await mkdtemp(join(tmpdir(), 'warmtoken-example-'))
  return {
    issuer,
    api,
    environment: {
      TOKEN_TABLE: 'tokens',
      TOKEN_DIRECTORY: directory,
      ISSUER: issuer.url,
      CLIENT_ID: 'crm',
      CLIENT_SECRET: 'only-for-local-runs',
      API_URL: api.url,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
      AWS_ENDPOINT_URL_DYNAMODB: dynamoDB.url,
    },
    async close() {
      await Promise.all([issuer, api, dynamoDB].map((server) => server.close()))
      await rm(directory, { recursive: true, force: true })
    },
  }
}
