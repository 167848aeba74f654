import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startServers } from './servers.ts'

const { issuer, environment, close } = await startServers()
Object.assign(process.env, environment)
after(close)

/** Loads the handler as a new execution environment does: with a memory of its own. */
async function coldStart(name: string): Promise<typeof import('./handler.ts')['handler']> {
  return (await import(`./handler.ts?${name}`)).handler
}

const context = { getRemainingTimeInMillis: () => 15_000 }

test('ten environments that start at once cost one token request', async () => {
  const fleet = await Promise.all(Array.from({ length: 10 }, (_, number) => coldStart(String(number))))
  const answers = await Promise.all(fleet.map((handler) => handler({}, context)))
  for (const { statusCode, body } of answers) {
    assert.equal(statusCode, 200)
    assert.equal(JSON.parse(body)[0].name, 'Ada Lovelace')
  }
  assert.equal(answers.filter(({ headers }) => headers['x-token-tier'] === 'source').length, 1)
  assert.equal(issuer.tokenRequests, 1)
})

test('a call that finds the token in memory makes no request for it', async () => {
  const handler = await coldStart('0')
  assert.equal((await handler({}, context)).headers['x-token-tier'], 'memory')
  assert.equal(issuer.tokenRequests, 1)
})
