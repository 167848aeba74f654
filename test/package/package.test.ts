import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import { folders, type Manifest, manifestOf, packAll, ROOT, type Tarballs } from './tarballs.ts'

const run = promisify(execFile)

let tarballs: Tarballs
beforeAll(async () => {
  tarballs = await packAll()
})

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
  it('is in order by publint, warnings and suggestions included', async () => {
    expect(await check('publint', 'run', tarballs.of(folder), '--strict')).toBe('')
  })

  it('has types that resolve in every ESM setting, by attw', async () => {
    expect(await check('attw', tarballs.of(folder), '--profile', 'esm-only')).toBe('')
  })

  it('holds no tests and nothing of the build', async () => {
    const { stdout } = await run('tar', ['-tzf', tarballs.of(folder)])
    const files = stdout.trim().split('\n')
    expect(files.filter((file) => /\.test[.-]|tsbuildinfo|node_modules/.test(file))).toEqual([])
    for (const wanted of ['package/package.json', 'package/README.md', 'package/LICENSE']) {
      expect(files).toContain(wanted)
    }
  })

  it('shows the world the same entries as the workspace, without the way to the sources', () => {
    const { exports, publishConfig } = manifestOf(folder)
    const isPrivate = (target: NonNullable<Manifest['exports'][string]>): boolean =>
      Object.keys(target).join() === 'source'
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
  const types = ['index', 'options'].map((name) => `package/dist/redis/${name}.d.ts`)
  const { stdout } = await run('tar', ['-xOzf', tarballs.of('packages/adapters-upstash'), ...types])
  const imported = stdout.match(/from ['"][^.'"][^'"]*['"]/g) ?? []
  expect(imported.length).toBeGreaterThan(0)
  expect(imported.filter((from) => !/@warmtoken\/|node:/.test(from))).toEqual([])
})
