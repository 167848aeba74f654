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

test('environments that start at once spend the refresh token once', async () => {
  const fleet = await Promise.all(Array.from({ length: 5 }, (_, number) => coldStart(String(number))))
  const answers = await Promise.all(fleet.map((handler) => handler()))
  assert.deepEqual(new Set(answers.map(({ statusCode }) => statusCode)), new Set([200]))
  assert.equal(issuer.tokenRequests, 1)
})

test('the next refresh spends the refresh token that the last one gave, in any environment', async () => {
  assert.ok(api.refuseLast())
  const handler = await coldStart('later')
  assert.equal((await handler()).statusCode, 200)
  assert.equal(issuer.tokenRequests, 2)
})

test('a token that is refused right after it was issued is not replaced at once, which would spend the chain', async () => {
  assert.ok(api.refuseLast())
  const handler = await coldStart('still later')
  assert.equal((await handler()).statusCode, 401)
  assert.equal(issuer.tokenRequests, 2)
})
