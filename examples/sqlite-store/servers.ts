import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startIssuer, startProtectedApi } from '@warmtoken/local'

/** Starts an issuer and an API that wants its tokens. `environment` points the handler at them. */
export async function startServers() {
  const issuer = await startIssuer({ clients: [{ id: 'crm', secret: 'only-for-local-runs' }] })
  const api = await startProtectedApi({ issuer: issuer.url, audience: issuer.audience })
  const folder = await mkdtemp(join(tmpdir(), 'warmtoken-example-'))
  return {
    issuer,
    folder,
    environment: {
      DATABASE: join(folder, 'tokens.sqlite'),
      ISSUER: issuer.url,
      CLIENT_ID: 'crm',
      CLIENT_SECRET: 'only-for-local-runs',
      API_URL: api.url,
    },
    async close() {
      await Promise.all([issuer, api].map((server) => server.close()))
      await rm(folder, { recursive: true, force: true })
    },
  }
}
