import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startServers } from './servers.ts'

const { issuer, api, environment, close } = await startServers()
Object.assign(process.env, environment)
after(close)

/** Loads the handler as a new execution environment does: with a memory of its own. */
async function coldStart(name: string): Promise<typeof import('./handler.ts')['handler']> {
  return (await import(`./handler.ts?${name}`)).handler
}

/** What Lambda hands over, as far as the handler reads it. */
const context = { getRemainingTimeInMillis: () => 15_000 } as Parameters<typeof import('./handler.ts')['handler']>[1]

test('a cold start asks the issuer, and the next call answers from memory', async () => {
  const handler = await coldStart('first')
  const cold = await handler({}, context)
  assert.equal(cold.statusCode, 200)
  assert.equal(cold.headers['x-token-tier'], 'source')
  assert.equal(JSON.parse(cold.body)[0].name, 'Ada Lovelace')
  const warm = await handler({}, context)
  assert.equal(warm.headers['x-token-tier'], 'memory')
  assert.equal(issuer.tokenRequests, 1)
})

test('another environment finds the token where the first one left it', async () => {
  const handler = await coldStart('second')
  assert.equal((await handler({}, context)).headers['x-token-tier'], 'file')
  assert.equal(issuer.tokenRequests, 1)
})

test('a token that the API refuses is replaced within the call', async () => {
  const handler = await coldStart('third')
  await handler({}, context)
  assert.ok(api.refuseLast())
  assert.equal((await handler({}, context)).statusCode, 200)
  assert.equal(issuer.tokenRequests, 2)
})
