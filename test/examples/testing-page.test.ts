import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** Where packages resolve as in test/; ignored by git. Not below node_modules, where no runner looks for tests. */
const WORK = join(ROOT, 'test/.warmtoken/testing-page')
const JEST = join(dirname(createRequire(import.meta.url).resolve('jest/package.json')), 'bin/jest.js')
const VITEST = join(ROOT, 'node_modules/vitest/vitest.mjs')

const page = readFileSync(join(ROOT, 'docs/testing.md'), 'utf8')
const files = new Map(
  [...page.matchAll(/^```js\n\/\/ (\S+)\n([\s\S]*?)^```/gm)].map(([, name = '', code = '']) => [name, code]),
)

async function run(command: string, args: readonly string[]): Promise<string> {
  const env = { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1' }
  const options = { cwd: WORK, env, timeout: 50_000 }
  const { stdout, stderr } = await promisify(execFile)(command, [...args], options).catch(
    (error: { stdout?: string; stderr?: string; message: string }) => ({
      stdout: `failed: ${error.message}\n${error.stdout ?? ''}`,
      stderr: error.stderr ?? '',
    }),
  )
  return `${stdout}\n${stderr}`
}

beforeAll(async () => {
  // The runners load what users load: the built packages.
  await run(join(ROOT, 'node_modules/.bin/tsc'), ['-b', join(ROOT, 'packages/core'), join(ROOT, 'packages/testing')])
  mkdirSync(join(WORK, 'jest-cjs'), { recursive: true })
  writeFileSync(join(WORK, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(WORK, 'jest-cjs/package.json'), '{ "type": "commonjs" }')
  writeFileSync(join(WORK, 'vitest.config.js'), 'export default {}')
  for (const [name, code] of files) {
    mkdirSync(dirname(join(WORK, name)), { recursive: true })
    writeFileSync(join(WORK, name), code)
  }
})
afterAll(() => rmSync(WORK, { recursive: true, force: true }))

const VM_MODULES = '--experimental-vm-modules'
const RUNS: readonly (readonly [name: string, args: readonly string[], passed: RegExp])[] = [
  ['vitest', [VITEST, 'run', 'vitest/handler.test.js'], /Tests\s+1 passed \(1\)/],
  ['vitest, with a module that is replaced', [VITEST, 'run', 'replaced/tokens.test.js'], /Tests\s+1 passed \(1\)/],
  ['jest with ES modules', [VM_MODULES, JEST, '--rootDir', '.', 'jest-esm'], /Tests:\s+1 passed, 1 total/],
  ['jest with CommonJS', [VM_MODULES, JEST, '--rootDir', '.', 'jest-cjs'], /Tests:\s+1 passed, 1 total/],
  ['node:test', ['--test', 'node-test/handler.test.js'], /pass 1\n/],
]

describe('the page "Test your handler"', () => {
  it('has a file for each runner', () => {
    expect([...files.keys()].filter((name) => name.endsWith('.test.js'))).toEqual([
      'vitest/handler.test.js',
      'jest-esm/handler.test.js',
      'jest-cjs/handler.test.js',
      'node-test/handler.test.js',
      'replaced/tokens.test.js',
    ])
  })

  it('imports what the page tells you to install, and nothing else', () => {
    const imported = [...files.values()].flatMap((code) =>
      [...code.matchAll(/(?:from |require\()'([^.'][^']*)'/g)].map(([, target = '']) => target),
    )
    expect([...new Set(imported)].sort()).toEqual([
      '@jest/globals',
      '@warmtoken/core',
      '@warmtoken/core/custom',
      '@warmtoken/core/handler',
      '@warmtoken/core/oauth2',
      '@warmtoken/testing',
      'node:assert/strict',
      'node:test',
      'vitest',
    ])
  })

  it.each([
    ['node20', 'commonjs', ''],
    ['nodenext', 'commonjs', ''],
    ['nodenext', 'module', ''],
    ['node16', 'module', ''],
    ['node16', 'commonjs', 'TS1479'],
  ])('is right about the TypeScript setting %s in a package of type %s', async (module, type, complaint) => {
    const folder = join(WORK, `types-${module}-${type}`)
    mkdirSync(folder)
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ type }))
    writeFileSync(join(folder, 'use.ts'), "import { fakeToken } from '@warmtoken/testing'\nvoid fakeToken().get()\n")
    const settings = ['--module', module, '--target', 'es2024', '--types', 'node', '--ignoreConfig', '--noEmit']
    const said = await run(join(ROOT, 'node_modules/.bin/tsc'), [...settings, '--skipLibCheck', join(folder, 'use.ts')])
    if (complaint === '') expect(said.trim()).toBe('')
    else expect(said).toContain(complaint)
  })

  it.each(RUNS)('passes with %s', async (_name, args, passed) => {
    expect(await run(process.execPath, args)).toMatch(passed)
  })

  it('has an entry file that loads', async () => {
    const load = "import('./index.js').then(({ handler }) => console.log(typeof handler))"
    expect(await run(process.execPath, ['-e', load])).toContain('function')
  })
})
