import { readFile } from 'node:fs/promises'
import { startIssuer, startPostgresServer, startProtectedApi } from '@warmtoken/local'
import pg from 'pg'

/** Starts an issuer, an API that wants its tokens, and PostgreSQL with the table. `environment` points the handler at them. */
export async function startServers() {
  const issuer = await startIssuer({ clients: [{ id: 'crm', secret: 'only-for-local-runs' }] })
  const api = await startProtectedApi({ issuer: issuer.url, audience: issuer.audience })
  const postgres = await startPostgresServer()
  const admin = new pg.Client({ connectionString: postgres.url })
  await admin.connect()
  await admin.query(await readFile(new URL('schema.sql', import.meta.url), 'utf8'))
  return {
    issuer,
    postgres,
    admin,
    environment: {
      DATABASE_URL: postgres.url,
      ISSUER: issuer.url,
      CLIENT_ID: 'crm',
      CLIENT_SECRET: 'only-for-local-runs',
      API_URL: api.url,
    },
    async close() {
      await admin.end()
      await Promise.all([issuer, api, postgres].map((server) => server.close()))
    },
  }
}
