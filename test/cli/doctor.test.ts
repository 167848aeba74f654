import { randomBytes } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { redisStore } from '@warmtoken/adapters-redis'
import { aesGcm } from '@warmtoken/core/seal'
import {
  askDynamoDB,
  LOCAL_CREDENTIALS,
  type LocalServer,
  startFaultProxy,
  startRedisServer,
  startS3,
} from '@warmtoken/local'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Fleet, SECRET, startFleet } from './fleet.ts'
import { HEALTHY, type PlantedServer, startPlanted } from './planted.ts'
import { run } from './run.ts'

const codec = aesGcm({ ring: { current: 'k1', keys: { k1: randomBytes(32) } } })
const ROOT = fileURLToPath(new URL('../..', import.meta.url))

const SERVICE = `service: shop
provider:
  name: aws
  runtime: nodejs24.x
  timeout: 15
  iam:
    role:
      statements:
        - Effect: Allow
          Action: [dynamodb:BatchGetItem, dynamodb:GetItem, dynamodb:UpdateItem]
          Resource: !GetAtt TokenTable.Arn
functions:
  shop:
    handler: shop.handler
resources:
  Resources:
    TokenTable:
      Type: AWS::DynamoDB::Table
      Properties:
        TableName: tokens-\${sls:stage}
        KeySchema:
          - { AttributeName: pk, KeyType: HASH }
`

let fleet: Fleet
let server: PlantedServer
let folder = ''
beforeAll(async () => {
  fleet = await startFleet()
  server = await startPlanted(fleet.server.url)
  await fleet.fetch('sealed', { codec })
  folder = mkdtempSync(join(tmpdir(), 'warmtoken-doctor-'))
})
beforeEach(() => {
  Object.assign(server.planted, HEALTHY)
  writeFileSync(join(folder, 'serverless.yml'), SERVICE)
})
afterAll(async () => {
  await server?.close()
  await fleet?.server.close()
  rmSync(folder, { recursive: true })
})

interface Report {
  readonly healthy: boolean
  readonly findings: readonly { readonly id: string; readonly detail: string; readonly fix: string }[]
  readonly results: readonly { readonly id: string; readonly outcome: string; readonly detail?: string }[]
}

async function doctor(
  ...place: readonly string[]
): Promise<Report & { readonly code: number | null; readonly all: string }> {
  const where = place.length > 0 ? place : ['--table', 'tokens', '--endpoint', server.url]
  const { code, out, err } = await run(['doctor', ...where, '--json'], { cwd: folder })
  return { ...(JSON.parse(out) as Report), code, all: out + err }
}

/** The checks that have found something in these tests. */
const found = new Set<string>()

function ids({ findings }: Report): readonly string[] {
  for (const { id, fix } of findings) {
    expect(fix).toMatch(/\S{3,}/)
    found.add(id)
  }
  return findings.map(({ id }) => id)
}

describe('warmtoken doctor', () => {
  it('finds nothing in a healthy set-up, and exits with 0', async () => {
    const report = await doctor()
    expect(report).toMatchObject({ code: 0, healthy: true, findings: [] })
    const checked = report.results.filter(({ outcome }) => outcome === 'good').map(({ id }) => id)
    expect(checked).toEqual(
      expect.arrayContaining(['time-to-live', 'rights', 'conditions', 'clock', 'sealing', 'runtime']),
    )
    const { out } = await run(['doctor', '--table', 'tokens', '--endpoint', server.url], { cwd: folder })
    expect(out).not.toMatch(/found|Fix/)
  })

  it("finds nothing in this project's own serverless.yml, with its includes", async () => {
    const { code, out } = await run(['doctor', '--json'], { cwd: ROOT })
    expect([code, (JSON.parse(out) as Report).findings]).toEqual([0, []])
  })

  it.each<readonly [string, string, () => void]>([
    ['time to live that is off', 'time-to-live', () => Object.assign(server.planted, { timeToLive: undefined })],
    ['time to live on another attribute', 'time-to-live', () => Object.assign(server.planted, { timeToLive: 'ttl' })],
    ['a missing right to write', 'rights', () => Object.assign(server.planted, { denied: ['UpdateItem'] })],
    ['a missing right to read', 'rights', () => Object.assign(server.planted, { denied: ['GetItem'] })],
    ['a clock that is 3 minutes off', 'clock', () => Object.assign(server.planted, { clock: 180_000 })],
    ['a clock that is 3 minutes off the other way', 'clock', () => Object.assign(server.planted, { clock: -180_000 })],
    ['a role without UpdateItem', 'rights', () => edit(', dynamodb:UpdateItem', '')],
    ['a timeout shorter than the lease', 'timeout', () => edit('timeout: 15', 'timeout: 5')],
    ['a table name without the stage', 'shared-stages', () => edit('tokens-', 'tokens #')],
    ['a runtime below Node 22', 'runtime', () => edit('nodejs24.x', 'nodejs20.x')],
  ])('finds %s, and prints the fix', async (_what, id, plant) => {
    plant()
    const report = await doctor()
    expect([report.code, ids(report)]).toEqual([3, [id]])
    expect(report.findings[0]?.fix).toMatch(/\S{3,}/)
    const { out } = await run(['doctor', '--table', 'tokens', '--endpoint', server.url], { cwd: folder })
    expect(out).toContain(`Fix: ${report.findings[0]?.fix}`)
  })

  it('finds a table that is missing', async () => {
    const report = await doctor('--table', 'absent', '--endpoint', server.url)
    expect([report.code, ids(report)]).toEqual([3, ['table-missing']])
  })

  it('finds a table with another key', async () => {
    await askDynamoDB(fleet.server.url, 'CreateTable', {
      TableName: 'users',
      AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'N' }],
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
      BillingMode: 'PAY_PER_REQUEST',
    })
    const report = await doctor('--table', 'users', '--endpoint', server.url)
    expect([report.code, ids(report)]).toEqual([3, ['table-key']])
    expect(report.findings[0]?.detail).toContain('id (N)')
  })

  it('finds point-in-time recovery beside a refresh token that rotates, and not without one', async () => {
    server.planted.backups = true
    expect(ids(await doctor())).toEqual([])
    await fleet.fetch('chain', { codec, exclusive: true })
    const report = await doctor()
    expect([report.code, ids(report)]).toEqual([3, ['backups-of-chains']])
  })

  it('finds values in plain text, and prints none', async () => {
    const other = await startFleet('plain')
    const second = await startPlanted(other.server.url)
    await other.fetch('plain')
    const report = await doctor('--table', 'plain', '--endpoint', second.url)
    expect([report.code, ids(report)]).toEqual([3, ['sealing']])
    expect(report.all).not.toContain(SECRET)
    await second.close()
    await other.server.close()
  })

  it('finds a bucket that ignores conditions', async () => {
    const { accessKeyId, secretAccessKey } = LOCAL_CREDENTIALS
    const env = { AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey }
    for (const ignoreConditions of [true, false]) {
      const s3 = await startS3({ buckets: ['tokens'], ignoreConditions })
      const { code, out } = await run(['doctor', '--bucket', 'tokens', '--endpoint', s3.url, '--json'], {
        cwd: folder,
        env,
      })
      expect([code, ids(JSON.parse(out))]).toEqual(ignoreConditions ? [3, ['conditions']] : [0, []])
      await s3.close()
    }
  })

  it('finds a table with replicas in other regions', async () => {
    server.planted.replicas = ['eu-west-1']
    const report = await doctor()
    expect(ids(report)).toEqual(['global-table'])
    expect(report.findings[0]?.detail).toBe('it has replicas in eu-west-1')
  })

  describe('of a bucket', () => {
    const { accessKeyId, secretAccessKey } = LOCAL_CREDENTIALS
    const env = { AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey }
    let s3: Awaited<ReturnType<typeof startS3>>
    let proxy: Awaited<ReturnType<typeof startFaultProxy>>
    let client: S3Client
    let rules = ''
    beforeEach(async () => {
      rules = ''
      s3 = await startS3({ buckets: ['tokens'] })
      proxy = await startFaultProxy({ target: s3.url })
      proxy.rules.push(({ method, target }) => {
        if (method !== 'GET' || !/[?&]lifecycle/.test(target)) return undefined
        const missing = '<Error><Code>NoSuchLifecycleConfiguration</Code><Message>none</Message></Error>'
        const body = rules === '' ? missing : `<LifecycleConfiguration>${rules}</LifecycleConfiguration>`
        return { kind: 'status', when: 'before', status: rules === '' ? 404 : 200, body }
      })
      client = new S3Client({
        endpoint: s3.url,
        region: 'us-east-1',
        forcePathStyle: true,
        credentials: LOCAL_CREDENTIALS,
      })
    })
    afterEach(async () => {
      client?.destroy()
      await proxy?.close()
      await s3?.close()
    })

    function rule(id: string, prefix: string, expiration = '<Days>30</Days>'): string {
      return `<Rule><ID>${id}</ID><Status>Enabled</Status><Filter><Prefix>${prefix}</Prefix></Filter><Expiration>${expiration}</Expiration></Rule>`
    }
    async function check(): Promise<Report> {
      const args = ['doctor', '--bucket', 'tokens', '--endpoint', proxy.url, '--json']
      return JSON.parse((await run(args, { cwd: folder, env })).out) as Report
    }
    async function put(key: string): Promise<void> {
      await client.send(new PutObjectCommand({ Bucket: 'tokens', Key: `warmtoken/${key}`, Body: 'x' }))
    }

    it('finds bodies that no lifecycle rule deletes', async () => {
      expect(ids(await check())).toEqual([])
      await put('body~0123')
      expect(ids(await check())).toEqual(['bodies-lifecycle'])
      rules = rule('bodies', 'warmtoken/body~')
      expect(ids(await check())).toEqual([])
    })

    it('finds a rule that deletes invalidations, also when none is left', async () => {
      rules = rule('all', 'warmtoken/')
      expect(ids(await check())).toEqual(['generation-lifecycle'])
      await put('gen~4567')
      expect(ids(await check())).toEqual(['generation-lifecycle'])
      rules = rule('bodies', 'warmtoken/body~') + rule('old', '').replace('Enabled', 'Disabled')
      expect(ids(await check())).toEqual([])
    })

    it('finds a rule that deletes bodies before they are eight days old, and names its days', async () => {
      rules = rule('bodies', 'warmtoken/body~', '<Days>7</Days>')
      const short = await check()
      expect(ids(short)).toEqual(['bodies-lifecycle'])
      expect(short.findings[0]?.detail).toContain('bodies deletes bodies after 7 days')
      rules = rule('bodies', 'warmtoken/body~', '<Days>8</Days>')
      expect(ids(await check())).toEqual([])
      rules = rule('some', 'warmtoken/body~ab', '<Date>2030-01-01T00:00:00.000Z</Date>')
      const dated = await check()
      expect(ids(dated)).toEqual(['bodies-lifecycle'])
      expect(dated.findings[0]?.detail).toContain('some deletes bodies of any age')
    })
  })

  describe('of a Redis', () => {
    let redis: LocalServer
    let client: Redis
    beforeAll(async () => {
      redis = await startRedisServer()
      client = new Redis(redis.port, '127.0.0.1')
    }, 60_000)
    afterAll(async () => {
      client?.disconnect()
      await redis?.close()
    })

    /** The client is looked for in the project, which is this one. */
    async function check(): Promise<Report & { readonly code: number | null }> {
      const args = ['doctor', '--redis', redis.url, '--service', join(folder, 'serverless.yml'), '--json']
      const { code, out } = await run(args, { cwd: project() })
      return { ...(JSON.parse(out) as Report), code }
    }
    function project(): string {
      const path = join(folder, 'redis')
      mkdirSync(join(path, 'node_modules'), { recursive: true })
      const [installed = ''] = fileURLToPath(import.meta.resolve('ioredis')).split('/node_modules/ioredis/')
      if (!existsSync(join(path, 'node_modules/ioredis')))
        symlinkSync(join(installed, 'node_modules/ioredis'), join(path, 'node_modules/ioredis'))
      return path
    }

    it('finds nothing where no record is deleted, and none must outlive the process', async () => {
      const report = await check()
      expect([report.code, ids(report)]).toEqual([0, []])
      const outcomes = report.results.filter(({ id }) => ['eviction', 'persistence'].includes(id))
      expect(outcomes.map(({ outcome }) => outcome)).toEqual(['good', 'good'])
    })

    it('finds a policy that deletes records when the memory is full', async () => {
      await client.config('SET', 'maxmemory', '1gb')
      await client.config('SET', 'maxmemory-policy', 'volatile-lru')
      const report = await check()
      expect([report.code, ids(report)]).toEqual([3, ['eviction']])
      expect(report.findings[0]?.detail).toContain('volatile-lru')
      expect(report.findings[0]?.fix).toContain('noeviction')
      await client.config('SET', 'maxmemory-policy', 'noeviction')
      expect(ids(await check())).toEqual([])
    })

    it('finds invalidations on a server that keeps no log of its writes', async () => {
      const keepUntil = Date.now() + 1e8
      const key = `gen~${'1'.repeat(40)}`
      const swap = { expected: undefined, body: 'a generation', tag: 't', keepUntil }
      await redisStore({ client }).swap(key, swap, { signal: AbortSignal.timeout(30_000) })
      const report = await check()
      expect([report.code, ids(report)]).toEqual([3, ['persistence']])
      expect(report.findings[0]?.fix).toContain('appendonly')
      await client.config('SET', 'appendonly', 'yes')
      expect(ids(await check())).toEqual([])
    })

    it('checks neither with a user who may not ask for INFO', async () => {
      await client.config('SET', 'maxmemory-policy', 'allkeys-lru')
      await client.acl('SETUSER', 'default', '-info')
      const { results } = await check()
      const outcomes = results.filter(({ id }) => ['eviction', 'persistence'].includes(id))
      expect(outcomes.map(({ outcome }) => outcome)).toEqual(['unchecked', 'unchecked'])
    })
  })

  it('says what a missing BatchGetItem costs, and finds no fault in it', async () => {
    server.planted.denied = ['BatchGetItem']
    const refused = await doctor()
    edit('dynamodb:BatchGetItem, ', '')
    server.planted.denied = []
    const undeclared = await doctor()
    for (const report of [refused, undeclared]) {
      expect([report.code, report.healthy, ids(report)]).toEqual([0, true, []])
      const rights = report.results.find(({ id }) => id === 'rights')
      expect(rights).toMatchObject({
        outcome: 'good',
        detail: expect.stringContaining('dynamodb:BatchGetItem'),
      })
    }
    const { out } = await run(['doctor', '--table', 'tokens', '--endpoint', server.url], { cwd: folder })
    expect(out).toMatch(/^ok +The store may be read and written: .*dynamodb:BatchGetItem/m)
  })

  it('finds an SDK that would be bundled twice', async () => {
    const project = mkdtempSync(join(tmpdir(), 'warmtoken-twice-'))
    cpSync(join(folder, 'serverless.yml'), join(project, 'serverless.yml'))
    const manifest = (path: string, fields: object) => {
      mkdirSync(join(project, 'node_modules', path), { recursive: true })
      writeFileSync(join(project, 'node_modules', path, 'package.json'), JSON.stringify(fields))
    }
    manifest('@warmtoken/adapters-aws', { name: '@warmtoken/adapters-aws' })
    manifest('@aws-sdk/client-dynamodb', { version: '3.900.0' })
    const once = await run(['doctor', '--json'], { cwd: project })
    expect([once.code, ids(JSON.parse(once.out))]).toEqual([0, []])
    manifest('@warmtoken/adapters-aws/node_modules/@aws-sdk/client-dynamodb', { version: '3.1162.0' })
    const { code, out } = await run(['doctor', '--json'], { cwd: project })
    expect([code, ids(JSON.parse(out))]).toEqual([3, ['sdk-twice']])
    rmSync(project, { recursive: true })
  })

  it('has no check that none of the tests before this one lets find something', async () => {
    const { results } = await doctor()
    expect(results.map(({ id }) => id).filter((id) => !found.has(id))).toEqual([])
  })

  it('leaves one empty record of its own, however often it runs', async () => {
    const { out } = await run(['list', ...fleet.place, '--kind', 'doctor', '--json'])
    expect((JSON.parse(out) as { records: unknown[] }).records).toMatchObject([{ state: 'empty' }])
  })

  it('exits with 4 where there are no credentials', async () => {
    const env = { AWS_REGION: 'us-east-1', HOME: '/nonexistent' }
    const { code, out, err } = await run(['doctor', '--table', 'tokens', '--endpoint', server.url], {
      cwd: folder,
      env,
    })
    expect([code, out, err]).toEqual([4, '', expect.stringContaining('there are no credentials')])
  })

  it('says that there is nothing to check without a store and a service file', async () => {
    const { code, err } = await run(['doctor'], { cwd: tmpdir() })
    expect([code, err]).toEqual([2, expect.stringContaining('nothing to check')])
  })

  it('names the line of a service file that is not whole, and quotes none of it', async () => {
    writeFileSync(join(folder, 'serverless.yml'), `provider:\n  environment: {SECRET: ${SECRET}\n  name: aws\n`)
    const { code, err, out } = await run(['doctor'], { cwd: folder })
    expect([code, err]).toEqual([1, expect.stringMatching(/serverless\.yml:\d+:\d+: not valid YAML/)])
    expect(out + err).not.toContain(SECRET)
  })
})

function edit(from: string, to: string): void {
  if (!SERVICE.includes(from)) throw new Error(`the service file has no ${from}`)
  writeFileSync(join(folder, 'serverless.yml'), SERVICE.replace(from, to))
}
