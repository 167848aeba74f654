import { execFile } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const run = promisify(execFile)

type Conditions = Readonly<Record<string, string>>
interface Manifest {
  readonly name: string
  readonly private?: boolean
  readonly exports: Readonly<Record<string, string | Conditions>>
  readonly publishConfig?: { readonly exports?: Manifest['exports'] }
}

function manifestOf(folder: string): Manifest {
  return JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')) as Manifest
}

const folders = globSync('packages/*/package.json', { cwd: ROOT })
  .map((path) => dirname(path))
  .filter((folder) => manifestOf(folder).private !== true)
  .sort()

/** Runs pnpm: the one that runs this script, or the one the README names. */
function pnpm(folder: string, ...args: readonly string[]) {
  const own = process.env['npm_execpath']
  const options = { cwd: join(ROOT, folder), shell: false }
  if (own?.includes('pnpm') !== true) return run('npx', ['-y', 'pnpm@12.21.0', ...args], options)
  return /\.[cm]?js$/.test(own) ? run(process.execPath, [own, ...args], options) : run(own, [...args], options)
}

let target = ''
beforeAll(async () => {
  target = mkdtempSync(join(tmpdir(), 'warmtoken-pack-'))
  await run(join(ROOT, 'node_modules/.bin/tsc'), ['-b', ...folders], { cwd: ROOT })
})
afterAll(() => rmSync(target, { recursive: true, force: true }))

/** Packs a package as it would be published, and gives the path of the archive. */
async function pack(folder: string): Promise<string> {
  const destination = join(target, folder)
  await pnpm(folder, 'pack', '--pack-destination', destination)
  const [archive = ''] = globSync('*.tgz', { cwd: destination })
  return join(destination, archive)
}

/** Runs a checker and gives all that it says; an exit code that is not 0 is a problem too. */
async function check(command: string, ...args: readonly string[]): Promise<string> {
  try {
    await run(join(ROOT, 'node_modules/.bin', command), [...args], { cwd: ROOT })
    return ''
  } catch (error) {
    const { stdout = '', stderr = '', message = '' } = error as { stdout?: string; stderr?: string; message?: string }
    return `${stdout}${stderr}` || message
  }
}

describe.each(folders)('%s as it would be published', (folder) => {
  let archive = ''
  beforeAll(async () => {
    archive = await pack(folder)
  })

  it('is in order by publint, warnings and suggestions included', async () => {
    expect(await check('publint', 'run', archive, '--strict')).toBe('')
  })

  it('has types that resolve in every ESM setting, by attw', async () => {
    expect(await check('attw', archive, '--profile', 'esm-only')).toBe('')
  })

  it('holds no tests and nothing of the build', async () => {
    const { stdout } = await run('tar', ['-tzf', archive])
    const files = stdout.trim().split('\n')
    expect(files.filter((file) => /\.test[.-]|tsbuildinfo|node_modules/.test(file))).toEqual([])
    for (const wanted of ['package/package.json', 'package/README.md', 'package/LICENSE']) {
      expect(files).toContain(wanted)
    }
  })

  it('shows the world the same entries as the workspace, without the way to the sources', () => {
    const { exports, publishConfig } = manifestOf(folder)
    const isPrivate = (target: string | Conditions): boolean => Object.keys(target).join() === 'source'
    const shown = Object.entries(exports).filter(([, target]) => !isPrivate(target))
    const expected = shown.map(([entry, target]) => [
      entry,
      typeof target === 'string'
        ? target
        : Object.fromEntries(Object.entries(target).filter(([name]) => name !== 'source')),
    ])
    expect(publishConfig?.exports).toEqual(Object.fromEntries(expected))
  })
})

it('types the Upstash store without a client, which nobody must install for it', async () => {
  const { stdout } = await run('tar', ['-xOzf', await pack('packages/adapters-upstash'), 'package/dist/redis.d.ts'])
  expect(stdout.match(/from ['"][^.'"][^'"]*['"]/g)).toEqual([expect.stringContaining('@warmtoken/core')])
})
