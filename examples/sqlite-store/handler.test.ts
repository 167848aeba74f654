import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, test } from 'node:test'
import { storeConformance } from '@warmtoken/testing/store'
import { faultyDatabase } from './faulty-database.ts'
import { startServers } from './servers.ts'
import { openDatabase, sqliteStore } from './sqlite-store.ts'

const { issuer, folder, environment, close } = await startServers()
Object.assign(process.env, environment)

const path = join(folder, 'conformance.sqlite')
const { database, faults } = faultyDatabase(openDatabase(path))
const store = sqliteStore(database)
const admin = new DatabaseSync(path, { timeout: 1_000 })
after(async () => {
  store.close()
  admin.close()
  await close()
})

const subject = {
  store,
  faults,
  keepUntilOf: async (key: string) => {
    const row = admin.prepare('SELECT keepUntil FROM tokens WHERE key = ?').get(key)
    return row && Number(row['keepUntil'])
  },
  plant: async (key: string) => {
    admin.prepare("INSERT INTO tokens VALUES (?, 'not a record', 'nobody', 1e15)").run(key)
  },
}
for (const { name, run } of storeConformance(() => subject)) {
  test(`the store: ${name}`, async (t) => {
    const result = await run()
    if (result !== 'pass') t.skip(result.gap)
  })
}

test('the sweep removes what nobody needs any more, and nothing else', async () => {
  const { signal } = new AbortController()
  for (const [key, keepUntil] of [
    ['old', Date.now() - 1_000],
    ['new', Date.now() + 60_000],
  ] as const)
    await store.swap(key, { expected: undefined, body: '{}', tag: key, keepUntil }, { signal })
  store.sweep()
  assert.equal((await store.read('old', { signal, consistent: true })).image, undefined)
  assert.equal((await store.read('new', { signal, consistent: true })).image?.tag, 'new')
})

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
