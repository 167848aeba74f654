import { randomBytes } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { aesGcm } from '@warmtoken/core/seal'
import { askDynamoDB, LOCAL_CREDENTIALS, startFaultProxy, startS3 } from '@warmtoken/local'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
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
          Action: [dynamodb:GetItem, dynamodb:UpdateItem]
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
  readonly results: readonly { readonly id: string; readonly outcome: string }[]
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

  it('finds bodies that no lifecycle rule deletes, and a rule that deletes invalidations', async () => {
    const { accessKeyId, secretAccessKey } = LOCAL_CREDENTIALS
    const env = { AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey }
    const s3 = await startS3({ buckets: ['tokens'] })
    const proxy = await startFaultProxy({ target: s3.url })
    const rule = (id: string, prefix: string, more = '') =>
      `<Rule><ID>${id}</ID><Status>Enabled</Status><Filter><Prefix>${prefix}</Prefix></Filter><Expiration><Days>30</Days></Expiration>${more}</Rule>`
    let rules = ''
    proxy.rules.push(({ method, target }) => {
      if (method !== 'GET' || !/[?&]lifecycle/.test(target)) return undefined
      const missing = '<Error><Code>NoSuchLifecycleConfiguration</Code><Message>none</Message></Error>'
      const body = rules === '' ? missing : `<LifecycleConfiguration>${rules}</LifecycleConfiguration>`
      return { kind: 'status', when: 'before', status: rules === '' ? 404 : 200, body }
    })
    const client = new S3Client({
      endpoint: s3.url,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: LOCAL_CREDENTIALS,
    })
    const found = async () => {
      const args = ['doctor', '--bucket', 'tokens', '--endpoint', proxy.url, '--json']
      return ids(JSON.parse((await run(args, { cwd: folder, env })).out) as Report)
    }
    expect(await found()).toEqual([])
    for (const key of ['body~0123', 'gen~4567'])
      await client.send(new PutObjectCommand({ Bucket: 'tokens', Key: `warmtoken/${key}`, Body: 'x' }))
    expect(await found()).toEqual(['bodies-lifecycle'])
    rules = rule('bodies', 'warmtoken/body~')
    expect(await found()).toEqual([])
    rules = rule('all', 'warmtoken/')
    expect(await found()).toEqual(['generation-lifecycle'])
    rules = rule('bodies', 'warmtoken/body~') + rule('old', '').replace('Enabled', 'Disabled')
    expect(await found()).toEqual([])
    client.destroy()
    await proxy.close()
    await s3.close()
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
