import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { createTokens } from '@warmtoken/core'
import { startServers } from './servers.ts'
import { weatherSession } from './weather-session.ts'

const { weather, environment, close } = await startServers()
Object.assign(process.env, environment)
after(close)

const { handler } = await import('./handler.ts')
const context = { getRemainingTimeInMillis: () => 15_000 }

test('one login serves every call', async () => {
  for (const tier of ['source', 'memory', 'memory']) {
    const { statusCode, headers, body } = await handler({}, context)
    assert.deepEqual([statusCode, JSON.parse(body)], [200, { weather: 'sunny' }])
    assert.equal(headers['x-token-tier'], tier)
  }
  assert.equal(weather.attempts, 1)
})

test('a session that the service has forgotten is replaced within the call', async () => {
  weather.forget()
  assert.equal((await handler({}, context)).statusCode, 200)
  assert.equal(weather.attempts, 2)
})

test('a wrong API key is an error that names the setting, and the service is asked once', async () => {
  const tokens = createTokens({ directory: false })
  const wrong = tokens.use(weatherSession({ url: weather.url, apiKey: 'wrong' }))
  await assert.rejects(wrong.get(), ({ code, cause }) => code === 'SOURCE_REFUSED' && /WEATHER_API_KEY/.test(cause))
  await assert.rejects(wrong.get(), { code: 'SOURCE_REFUSED' })
  assert.equal(weather.attempts, 3)
})
