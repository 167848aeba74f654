import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createCache } from '@warmtoken/core/data'
import { aesGcm } from '@warmtoken/core/seal'
import { createSessions } from '@warmtoken/core/sessions'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Fleet, SECRET, startFleet } from './fleet.ts'
import { LOCAL_AWS, run } from './run.ts'

const KEY = randomBytes(32).toString('base64')
const NEXT = randomBytes(32).toString('base64')
/** In the environment, where every command can see them. */
const MARKED = { UPSTASH_REDIS_REST_TOKEN: 'marked-upstash-token', AWS_SESSION_TOKEN: 'marked-session-token' }

const ANSWERS = ['--invocations', '1000', '--environments', '2', '--token-life', '600', '--issuer-price', '0']

let fleet: Fleet
let folder = ''
let session = ''
const keys: string[] = []
beforeAll(async () => {
  fleet = await startFleet()
  folder = mkdtempSync(join(tmpdir(), 'warmtoken-redaction-'))
  const codec = aesGcm({ ring: { current: 'k1', keys: { k1: KEY } } })
  keys.push(
    await fleet.fetch('plain'),
    await fleet.fetch('sealed', { codec }),
    await fleet.fetch('chain', { exclusive: true }),
  )
  session = (await createSessions({ store: fleet.store }).create('ada', { note: SECRET })).token.value
  const cache = createCache({ name: 'shop', store: fleet.store })
  await cache.use({ key: 'project', fresh: 60_000, load: async () => SECRET }).get(undefined)
  const signal = new AbortController().signal
  const swap = { expected: undefined, body: SECRET, tag: 't', keepUntil: Date.now() + 1e8 }
  await fleet.store.swap(`lab~${'d'.repeat(40)}`, swap, { signal })
  keys.push(`lab~${'d'.repeat(40)}`)
  writeFileSync(join(folder, 'ring.json'), JSON.stringify({ current: 'k2', keys: { k1: KEY, k2: NEXT } }))
  writeFileSync(
    join(folder, 'serverless.yml'),
    `provider:\n  name: aws\n  runtime: nodejs20.x\n  environment: {A: ${SECRET}}\n  apiKey: ${SECRET}\n`,
  )
  writeFileSync(join(folder, 'half.yml'), `provider:\n  environment: {A: ${SECRET}\n  name: aws\n`)
})
afterAll(async () => {
  await fleet?.server.close()
  rmSync(folder, { recursive: true })
})

it('no command prints a value, a chain, a session, a key or a credential, whatever becomes of it', async () => {
  const upstash = ['--upstash', fleet.server.url]
  const commands = [
    ['doctor', ...fleet.place],
    ['list', ...fleet.place],
    ['watch', ...fleet.place, '--count', '1'],
    ...keys.map((key) => ['inspect', key, ...fleet.place]),
    ['refresh', ...keys.slice(0, 3), ...fleet.place],
    ['reject', ...keys.slice(0, 3), ...fleet.place],
    ['purge', ...keys, ...fleet.place],
    ['rotate-key', ...fleet.place, '--ring', 'ring.json'],
    ['init'],
    ['init', '--yes'],
    ['init', '--service', 'half.yml'],
    ['doctor'],
    ['plan-cost', ...ANSWERS, '--prices', 'ring.json'],
    ['plan-cost', ...ANSWERS],
    ['list', '--redis', `redis://:${SECRET}@127.0.0.1:1`],
    ['list', '--function', 'shop', '--region', 'us-east-1'],
    ['list', ...upstash],
    ['inspect', SECRET.slice(0, 6), ...upstash],
    ['list', '--table', 'absent', '--endpoint', fleet.server.url],
    ['list', '--table', 'tokens', '--endpoint', 'http://127.0.0.1:1'],
  ]
  const secrets = [SECRET, session, KEY, NEXT, ...Object.values(MARKED), 'local-secret']
  let printed = 0
  const check = async (args: readonly string[]): Promise<number | null> => {
    const env = { ...LOCAL_AWS, ...MARKED, AWS_ENDPOINT_URL_LAMBDA: fleet.server.url }
    const { code, out, err } = await run(args, { cwd: folder, env })
    printed += out.length + err.length
    for (const secret of secrets) expect(out + err, args.join(' ')).not.toContain(secret)
    // Nor a part of what is sealed.
    expect(out + err, args.join(' ')).not.toMatch(/a1\.k\d\.|\bat .*\.ts:\d+/)
    return code
  }
  for (const command of commands) {
    // An error is printed in one way, a result in two.
    if ((await check(command)) !== 2) await check([...command, '--json'])
  }
  expect(printed).toBeGreaterThan(1_000)
}, 300_000)
