import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { dynamoDBStore } from '@warmtoken/adapters-aws/dynamodb'
import { createTokens } from '@warmtoken/core'
import { custom } from '@warmtoken/core/custom'
import { builtinModules } from '@warmtoken/core/esbuild'
import { AS_DEPLOYED } from '@warmtoken/infra/bundle'
import { type LocalServer, startDynamoDB } from '@warmtoken/local'
import { build, type Metafile } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FIRST_TOKEN_BYTES, FIRST_TOKEN_FILES, START_FILES } from './gates.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const RUNNER = fileURLToPath(new URL('./run-first.ts', import.meta.url))
const TOKEN = `token-of-this-benchmark-${'x'.repeat(1_000)}`
const PLACE = { table: 'tokens', region: 'eu-central-1' } as const
const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }

let folder = ''
let server: LocalServer
let key = ''

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'warmtoken-first-'))
  server = await startDynamoDB({ tables: [PLACE.table] })
  const source = custom({ identity: 'cold', fetch: async () => ({ value: TOKEN, lifetime: 3_600_000 }) })
  const store = dynamoDBStore({ ...PLACE, endpoint: server.url, credentials })
  const handle = createTokens({ store, directory: false }).use(source)
  await handle.get()
  key = handle.key
})
afterAll(async () => {
  await server.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Bundles one of the benchmark's programs as a deployment would. */
async function bundle(name: string): Promise<Metafile['outputs']> {
  const { metafile } = await build({
    ...AS_DEPLOYED,
    absWorkingDir: ROOT,
    entryPoints: [`bench/cold/${name}.ts`],
    outdir: join(folder, name),
    outExtension: { '.js': '.mjs' },
    plugins: [builtinModules()],
    metafile: true,
  })
  return metafile.outputs
}

/** The modules of Node that a new process loads for it, and none that Node itself has loaded before. */
async function modulesOf(name: string, tier: string): Promise<readonly string[]> {
  const script = join(folder, name, `${name.slice(name.indexOf('/') + 1)}.mjs`)
  const { stdout } = await promisify(execFile)(process.execPath, [RUNNER, script], {
    env: {
      BENCH_ENDPOINT: server.url,
      BENCH_TABLE: PLACE.table,
      BENCH_KEY: key,
      BENCH_TIER: tier,
    },
  })
  const { token, modules } = JSON.parse(stdout) as { readonly token?: string; readonly modules: readonly string[] }
  if (name.startsWith('first/')) expect(token).toBe(TOKEN)
  return modules
}

describe('a new process', () => {
  it('loads no module of Node for core, a source and Middy', async () => {
    await bundle('load/core')
    expect(await modulesOf('load/core', '')).toEqual([])
  })

  it('loads but what signals abort for a first token of a source', async () => {
    await bundle('first/source')
    expect(await modulesOf('first/source', 'source')).toEqual(['internal/abort_controller'])
  })

  it('loads no more of Node for a first token by DynamoDB than for one request signed by hand', async () => {
    await bundle('first/raw')
    const byHand = await modulesOf('first/raw', '')
    expect(byHand).toContain('_http_client')
    expect(byHand).toContain('crypto')
    await bundle('first/lean')
    const ours = await modulesOf('first/lean', 'store')
    expect(ours.filter((name) => !byHand.includes(name))).toEqual([])
  })
})

/** The files of a build that are loaded with those whose names match. */
function filesOf(outputs: Metafile['outputs'], first: RegExp): ReadonlySet<string> {
  const loaded = new Set<string>()
  const load = (name: string): void => {
    const { imports = [], inputs = {} } = outputs[name] ?? {}
    // Helpers of esbuild's alone: the plugin has nobody import them who does not need them.
    if (loaded.has(name) || Object.keys(inputs).length === 0) return
    loaded.add(name)
    for (const { kind, path } of imports) if (kind === 'import-statement') load(path)
  }
  for (const name of Object.keys(outputs)) if (first.test(name)) load(name)
  return loaded
}

describe('a bundle', () => {
  it('loads few files at the start', async () => {
    const files = filesOf(await bundle('load/core'), /\/core\.mjs$/)
    expect(files.size).toBe(START_FILES)
  })

  it('loads few files and bytes until a first token by DynamoDB', async () => {
    const outputs = await bundle('first/lean')
    const files = filesOf(outputs, /\/(lean|miss-path-\w+|open-\w+)\.mjs$/)
    expect(files.size).toBe(FIRST_TOKEN_FILES)
    const bytes = [...files].reduce((sum, name) => sum + (outputs[name]?.bytes ?? 0), 0)
    expect(bytes).toBeLessThanOrEqual(FIRST_TOKEN_BYTES)
  })
})
