import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startTcpFaultProxy, type TcpFault } from '@warmtoken/local'
import { proxiedFaults, storeConformance } from '@warmtoken/testing/store'
import { postgresStore } from './postgres-store.ts'
import { startServers } from './servers.ts'

const { issuer, postgres, admin, environment, close } = await startServers()
Object.assign(process.env, environment)

const proxy = await startTcpFaultProxy({
  target: postgres.port,
  // A statement with values begins with the message Parse. The handshake and the password do not.
  isRequest: (chunk) => chunk.toString('latin1').startsWith('P'),
  // ReadyForQuery: the letter Z, a length of 5, the state of the transaction.
  isAnswer: (bytes) => bytes.toString('latin1').slice(-6, -1) === 'Z\0\0\0\x05',
})

/** What PostgreSQL answers when it refuses: ErrorResponse, then ReadyForQuery. */
function refusal(sqlState: string): TcpFault {
  const fields = Buffer.from(`SERROR\0VERROR\0C${sqlState}\0Mrefused\0\0`)
  const length = Buffer.alloc(4)
  length.writeInt32BE(fields.length + 4)
  return {
    kind: 'bytes',
    when: 'before',
    bytes: Buffer.concat([Buffer.from('E'), length, fields, Buffer.from('Z\0\0\0\x05I')]),
  }
}

const store = postgresStore({ connectionString: postgres.url.replace(`:${postgres.port}`, `:${proxy.port}`) })
after(async () => {
  await store.close()
  await proxy.close()
  await close()
})

const subject = {
  store,
  secrets: [postgres.password],
  faults: proxiedFaults(proxy, {
    'server-error': refusal('XX000'),
    throttled: refusal('53300'),
    busy: refusal('55P03'),
    denied: refusal('42501'),
    missing: refusal('42P01'),
  }),
  keepUntilOf: async (key: string) => {
    const { rows } = await admin.query(
      'select (extract(epoch from keep_until) * 1000)::float8 as at from tokens where key = $1',
      [key],
    )
    return rows[0]?.at
  },
  plant: async (key: string) => {
    await admin.query("insert into tokens values ($1, 'not a record', 'nobody', now() + interval '1 hour')", [key])
  },
}
for (const { name, run } of storeConformance(() => subject)) {
  test(`the store: ${name}`, async (t) => {
    const result = await run()
    if (result !== 'pass') t.skip(result.gap)
  })
}

test('the sweep removes what nobody needs any more, and nothing else', async () => {
  const signal = AbortSignal.timeout(10_000)
  for (const [key, keepUntil] of [
    ['old', Date.now() - 1_000],
    ['new', Date.now() + 60_000],
  ] as const)
    await store.swap(key, { expected: undefined, body: '{}', tag: key, keepUntil }, { signal })
  await (await import('./sweep.ts')).handler()
  assert.equal((await store.read('old', { signal, consistent: true })).image, undefined)
  assert.equal((await store.read('new', { signal, consistent: true })).image?.tag, 'new')
})

test('a wrong password, a missing table and a read-only server are faults that say what to do', async () => {
  const { url, password } = postgres
  const wrong = [
    [{ connectionString: url.replace(password, 'wrong') }, 'STORE_DENIED', /check the user and the password/],
    [{ connectionString: url, options: '-c search_path=nowhere' }, 'STORE_MISSING', /run schema.sql/],
    [
      { connectionString: url, options: '-c default_transaction_read_only=on' },
      'STORE_REFUSED',
      /connect to the primary/,
    ],
  ] as const
  for (const [options, code, message] of wrong) {
    const other = postgresStore(options)
    const swap = { expected: undefined, body: '{}', tag: 'new', keepUntil: Date.now() }
    await assert.rejects(other.swap('wrong', swap, { signal: AbortSignal.timeout(10_000) }), {
      code,
      message,
      retryable: false,
    })
    await other.close()
  }
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
