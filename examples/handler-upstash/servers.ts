import { startIssuer, startProtectedApi, startUpstash } from '@warmtoken/local'

/** Starts an issuer, an API that wants its tokens, and Upstash. `environment` points the handler at them. */
export async function startServers() {
  const issuer = await startIssuer({ clients: [{ id: 'crm', secret: 'only-for-local-runs' }] })
  const api = await startProtectedApi({ issuer: issuer.url, audience: issuer.audience })
  const upstash = await startUpstash()
  return {
    issuer,
    environment: {
      ISSUER: issuer.url,
      CLIENT_ID: 'crm',
      CLIENT_SECRET: 'only-for-local-runs',
      API_URL: api.url,
      UPSTASH_REDIS_REST_URL: upstash.url,
      UPSTASH_REDIS_REST_TOKEN: upstash.token,
    },
    async close() {
      await Promise.all([issuer, api, upstash].map((server) => server.close()))
    },
  }
}
