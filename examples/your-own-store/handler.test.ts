import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { storeConformance } from '@warmtoken/testing/store'
import { startServers } from './servers.ts'
import { sqliteStore } from './sqlite-store.ts'

const { issuer, folder, environment, close } = await startServers()
Object.assign(process.env, environment)
after(close)

// All that a store must do. Cases that cut a network are skipped: this store has none. So are those of `readMany`,
// which is optional.
const store = sqliteStore(join(folder, 'conformance.sqlite'))
for (const { name, run } of storeConformance(() => ({ store, keepUntilOf: store.keepUntilOf }))) {
  test(`the store: ${name}`, async (t) => {
    const result = await run()
    if (result !== 'pass') t.skip(result.gap)
  })
}

/** Loads the handler as a new process does: with a memory of its own. */
async function coldStart(name: string): Promise<typeof import('./handler.ts')['handler']> {
  return (await import(`./handler.ts?${name}`)).handler
}

test('ten processes that start at once cost one token request', async () => {
  const fleet = await Promise.all(Array.from({ length: 10 }, (_, number) => coldStart(String(number))))
  const context = { getRemainingTimeInMillis: () => 15_000 }
  const answers = await Promise.all(fleet.map((handler) => handler({}, context)))
  for (const { statusCode, body } of answers) {
    assert.equal(statusCode, 200)
    assert.equal(JSON.parse(body)[0].name, 'Ada Lovelace')
  }
  assert.equal(issuer.tokenRequests, 1)
})
