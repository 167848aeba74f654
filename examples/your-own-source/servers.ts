import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startDynamoDB } from '@warmtoken/local'

/** Starts the vendor's weather service and a table. `environment` points the handler at them. */
export async function startServers() {
  const weather = await startWeatherService('only-for-local-runs')
  const dynamoDB = await startDynamoDB({ tables: ['tokens'] })
  const directory = await mkdtemp(join(tmpdir(), 'warmtoken-example-'))
  return {
    weather,
    environment: {
      TOKEN_TABLE: 'tokens',
      TOKEN_DIRECTORY: directory,
      WEATHER_URL: weather.url,
      WEATHER_API_KEY: 'only-for-local-runs',
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
      AWS_ENDPOINT_URL_DYNAMODB: dynamoDB.url,
    },
    async close() {
      await Promise.all([weather, dynamoDB].map((server) => server.close()))
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** A service with a login of its own. It knows one session at a time: a new login ends the old one. */
async function startWeatherService(apiKey: string) {
  let logins = 0
  let attempts = 0
  const server = createServer((request, response) => {
    const answer = (status: number, body: unknown): void =>
      void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    if (request.method === 'POST' && request.url === '/login') {
      attempts += 1
      if (request.headers['x-api-key'] !== apiKey) return answer(401, { error: 'unknown key' })
      logins += 1
      return answer(200, { session: `session-${logins}`, validSeconds: 3600 })
    }
    if (request.headers['x-session'] !== `session-${logins}`) return answer(403, { error: 'no such session' })
    answer(200, { weather: 'sunny' })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    /** How often a login was asked for, refusals included. */
    get attempts() {
      return attempts
    },
    /** Ends the session, as a restart of the service does. */
    forget() {
      logins += 1
    },
    async close() {
      server.closeAllConnections()
      server.close()
    },
  }
}
