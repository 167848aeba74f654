import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { redisStore } from '@warmtoken/adapters-redis'
import { emptyRecord, printRecord } from '@warmtoken/core/record'
import { type LocalServer, startRedisServer } from '@warmtoken/local'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DEPLOYER, REGION } from '../rehearsal/cloud/account.ts'
import { type Cloud, startCloud } from '../rehearsal/cloud/start-cloud.ts'
import type { Mapping } from '../rehearsal/cloud/value.ts'
import { type Fleet, startFleet } from './fleet.ts'
import { run } from './run.ts'

const KEY = `lab~${'1'.repeat(40)}`
const PASSWORD = 'marked-redis-password'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'warmtoken-places-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A project that has installed one client of Redis. */
function projectWith(client: string): string {
  const project = join(folder, client)
  mkdirSync(join(project, 'node_modules'), { recursive: true })
  const [installed = ''] = fileURLToPath(import.meta.resolve(client)).split(`/node_modules/${client}/`)
  symlinkSync(join(installed, 'node_modules', client), join(project, 'node_modules', client))
  return project
}

describe('--redis', () => {
  let server: LocalServer
  let client: Redis
  beforeAll(async () => {
    server = await startRedisServer()
    client = new Redis(server.port, '127.0.0.1')
    const keepUntil = Date.now() + 1e8
    const body = printRecord({ ...emptyRecord(KEY), keepUntil })
    const swap = { expected: undefined, body, tag: 't', keepUntil }
    await redisStore({ client, onProblem: () => {} }).swap(KEY, swap, { signal: AbortSignal.timeout(30_000) })
  })
  afterAll(async () => {
    client?.disconnect()
    await server?.close()
  })

  it.each(['ioredis', 'iovalkey', 'redis'])('lists and steers records by %s of the project, and ends', async (name) => {
    const cwd = projectWith(name)
    const listed = await run(['list', '--redis', server.url, '--json'], { cwd })
    const { records } = JSON.parse(listed.out) as { records: { key: string; state: string }[] }
    expect([listed.code, records.find(({ key }) => key === KEY)?.state]).toEqual([0, 'empty'])
    const steered = await run(['purge', KEY, '--redis', server.url], { cwd })
    expect([steered.code, steered.out]).toEqual([0, `${KEY}: purged\n`])
    const checked = await run(['doctor', '--redis', server.url], { cwd })
    expect([checked.code, checked.out]).toEqual([0, expect.stringMatching(/ok +The store honors conditional writes/)])
  })

  it('names what to install in a project that has no client', async () => {
    const { code, out, err } = await run(['list', '--redis', server.url], { cwd: folder })
    expect([code, out, err]).toEqual([1, '', expect.stringContaining('npm install -D ioredis')])
  })

  it('refuses an address that is none, and one that holds a password, which it does not print', async () => {
    for (const [url, message] of [
      ['cache.example.com', '--redis must be an address'],
      ['https://cache.example.com', '--redis must be an address'],
      [`redis://:${PASSWORD}@127.0.0.1`, 'REDIS_PASSWORD'],
    ] as const) {
      const { code, out, err } = await run(['list', '--redis', url], { cwd: folder })
      expect([code, out, err]).toEqual([2, '', expect.stringContaining(message)])
      expect(err).not.toContain(PASSWORD)
    }
  })

  it('exits with 1 where nothing answers', async () => {
    const cwd = join(folder, 'ioredis')
    const { code, out, err } = await run(['list', '--redis', 'redis://127.0.0.1:1'], { cwd })
    expect([code, out, err]).toEqual([1, '', expect.stringContaining('STORE_UNAVAILABLE')])
  })

  it('takes the password of REDIS_PASSWORD, and exits with 4 for a wrong one', async () => {
    const cwd = join(folder, 'ioredis')
    await client.config('SET', 'requirepass', PASSWORD)
    const right = await run(['list', '--redis', server.url, '--json'], { cwd, env: { REDIS_PASSWORD: PASSWORD } })
    expect([right.code, right.out]).toEqual([0, expect.stringContaining(KEY)])
    for (const env of [{ REDIS_PASSWORD: 'another' }, { REDIS_PASSWORD: '' }]) {
      const wrong = await run(['list', '--redis', server.url], { cwd, env })
      expect([wrong.code, wrong.out, wrong.err]).toEqual([4, '', expect.stringContaining('access denied')])
    }
  })
})

describe('--function', () => {
  let cloud: Cloud
  let fleet: Fleet
  let env: Readonly<Record<string, string>> = {}
  beforeAll(async () => {
    cloud = await startCloud()
    fleet = await startFleet()
    await fleet.fetch('crm')
    env = {
      AWS_REGION: REGION,
      AWS_ACCESS_KEY_ID: DEPLOYER.accessKeyId,
      AWS_SECRET_ACCESS_KEY: DEPLOYER.secretAccessKey,
      AWS_ENDPOINT_URL_LAMBDA: cloud.url,
    }
    deploy('shop-prod-contacts', {
      Runtime: 'nodejs24.x',
      Timeout: 15,
      Environment: { Variables: { TOKEN_TABLE: 'tokens' } },
    })
    deploy('shop-dev-old', { Runtime: 'nodejs20.x', Timeout: 3, Environment: { Variables: { TOKEN_TABLE: 'tokens' } } })
    deploy('other', { Environment: { Variables: { SECRET: PASSWORD } } })
    writeFileSync(join(folder, 'serverless.yml'), SERVICE)
  })
  afterAll(async () => {
    await fleet?.server.close()
    await cloud?.close()
  })

  const SERVICE = `service: shop
provider:
  name: aws
  runtime: nodejs24.x
  timeout: 15
  stage: \${opt:stage, 'dev'}
functions:
  contacts: {handler: contacts.handler}
  old: {handler: old.handler}
  named: {handler: other.handler, name: other}
`

  function deploy(name: string, properties: Mapping): void {
    cloud.world.functions.set(name, { name, properties, files: new Map(), sha256: '', size: 0, modifiedAt: 0 })
  }

  function ask(...args: readonly string[]) {
    return run([...args, '--endpoint', fleet.server.url, '--json'], { cwd: folder, env })
  }

  it.each([
    ['by its own name', ['--function', 'shop-prod-contacts']],
    ['by its name in serverless.yml, and a stage', ['--function', 'contacts', '--stage', 'prod']],
    ['by its name in serverless.yml, in the stage of the file', ['--function', 'old']],
  ])('finds the table in the variables of a function %s', async (_how, args) => {
    const { code, out, err } = await ask('list', ...args)
    expect([code, err, JSON.parse(out)]).toMatchObject([
      0,
      '',
      { store: 'DynamoDB table tokens', records: [{ state: 'fresh' }] },
    ])
  })

  it('lets doctor look at the function that is deployed', async () => {
    const good = await ask('doctor', '--function', 'shop-prod-contacts')
    const { findings } = JSON.parse(good.out) as { findings: { id: string }[] }
    expect(findings.map(({ id }) => id).filter((id) => ['timeout', 'runtime'].includes(id))).toEqual([])
    const { code, out } = await ask('doctor', '--function', 'old')
    const { findings: found } = JSON.parse(out) as { findings: { id: string; detail: string }[] }
    expect([code, found.filter(({ detail }) => detail.includes('shop-dev-old')).map(({ id }) => id)]).toEqual([
      3,
      ['timeout', 'runtime'],
    ])
  })

  it('says which variables it looked for, and prints none of the others', async () => {
    const { code, out, err } = await ask('list', '--function', 'named')
    expect([code, out, err]).toEqual([
      1,
      '',
      expect.stringContaining('the function other has none of the variables TOKEN_TABLE'),
    ])
    expect(err).not.toContain(PASSWORD)
  })

  it.each([
    ['a function that is not there', ['--function', 'absent'], {}, 1, 'there is no function absent'],
    [
      'credentials of another account',
      ['--function', 'other'],
      { AWS_SECRET_ACCESS_KEY: 'x' },
      4,
      'GetFunctionConfiguration',
    ],
    [
      'no credentials',
      ['--function', 'other'],
      { AWS_ACCESS_KEY_ID: '', HOME: '/nonexistent' },
      4,
      'there are no credentials',
    ],
    ['a stage without a function', ['--table', 'tokens', '--stage', 'dev'], {}, 2, '--stage is for --function'],
    ['a table beside a function', ['--table', 'tokens', '--function', 'other'], {}, 2, 'name one store'],
  ])('refuses %s', async (_what, args, more, code, message) => {
    const ended = await run(['list', ...args], { cwd: folder, env: { ...env, ...more } })
    expect([ended.code, ended.out, ended.err]).toEqual([code, '', expect.stringContaining(message)])
  })
})
