import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { askDynamoDB, type LocalServer, startDynamoDB } from '@warmtoken/local'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type PlantedServer, startPlanted } from '../cli/planted.ts'
import { makeNewcomer, type Newcomer } from './newcomer.ts'
import { packAll } from './tarballs.ts'

const AWS = { AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local-secret' }
const SERVICE = `service: shop
provider:
  name: aws
  runtime: nodejs24.x
  timeout: 15
functions:
  shop: {handler: shop.handler}
`

let newcomer: Newcomer
let server: LocalServer
let planted: PlantedServer
let folder = ''
beforeAll(async () => {
  newcomer = makeNewcomer()
  const tarballs = await packAll()
  server = await startDynamoDB({ tables: ['tokens'] })
  planted = await startPlanted(server.url)
  folder = join(newcomer.home, 'shop')
  mkdirSync(folder)
  writeFileSync(join(folder, 'package.json'), '{ "name": "shop", "private": true, "type": "module" }\n')
  // What npm would fetch for the command line alone.
  const needed = ['cli', 'console', 'core', 'adapters-aws', 'adapters-redis', 'adapters-upstash']
  const archives = needed.map((name) => tarballs.of(`packages/${name}`))
  await newcomer.run(folder, 'npm', 'install', '--no-audit', '--no-fund', ...archives)
}, 300_000)
afterAll(async () => {
  await planted?.close()
  await server?.close()
  newcomer?.remove()
})

interface Ended {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Runs the command that npm has linked, as a newcomer types it. */
function npx(...args: readonly string[]): Promise<Ended> {
  const env = { ...newcomer.environment, ...AWS, AWS_EC2_METADATA_DISABLED: 'true' }
  return new Promise((resolve) => {
    execFile('npx', ['warmtoken', ...args], { cwd: folder, env, timeout: 110_000 }, (error, out, err) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, out, err })
    })
  })
}

describe('the command line, from its tarball in an empty folder with an empty home', () => {
  it('shows its help and its version', async () => {
    const help = await npx('--help')
    expect([help.code, help.err]).toEqual([0, ''])
    for (const name of [
      'doctor',
      'init',
      'list',
      'inspect',
      'refresh',
      'reject',
      'purge',
      'rotate-key',
      'watch',
      'plan-cost',
    ])
      expect(help.out).toMatch(new RegExp(`^  ${name} `, 'm'))
    const { version } = JSON.parse(readFileSync(join(folder, 'node_modules/@warmtoken/cli/package.json'), 'utf8'))
    expect((await npx('--version')).out).toBe(`${version}\n`)
  })

  it('sets a service up, once, and finds nothing wrong with it', async () => {
    writeFileSync(join(folder, 'serverless.yml'), SERVICE)
    const set = await npx('init', '--yes')
    expect([set.code, set.out]).toEqual([0, expect.stringContaining('+    TOKEN_TABLE: !Ref TokenTable')])
    const again = await npx('init', '--yes', '--json')
    expect(JSON.parse(again.out)).toMatchObject({ changed: false })
    expect((await npx('doctor')).code).toBe(0)
  })

  it('finds time to live that is off in a table, and exits with 3', async () => {
    planted.planted.timeToLive = undefined
    const { code, out, err } = await npx('doctor', '--table', 'tokens', '--endpoint', planted.url, '--json')
    const { findings } = JSON.parse(out) as { findings: { id: string; fix: string }[] }
    expect([code, findings.map(({ id }) => id)]).toEqual([3, ['time-to-live']])
    expect(err).toContain('doctor found 1 problem')
  })

  it('lists the records of the table: the one of the check', async () => {
    const { code, out } = await npx('list', '--table', 'tokens', '--endpoint', server.url)
    expect([code, out]).toEqual([0, expect.stringMatching(/^doctor~0{40} +empty/m)])
    expect((await askDynamoDB(server.url, 'Scan', { TableName: 'tokens' })).json['Count']).toBe(1)
  })

  it('plans costs by the prices that are in the tarball', async () => {
    const load = ['--invocations', '1000000', '--environments', '10', '--token-life', '3600', '--issuer-price', '0']
    const { code, out } = await npx('plan-cost', ...load)
    expect([code, out]).toEqual([0, expect.stringContaining('without warmtoken')])
  })

  it('refuses what it does not know with 2', async () => {
    expect(await npx('dcotor')).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringContaining("unknown command 'dcotor'"),
    })
  })
})
