import { execFile } from 'node:child_process'
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** Below a folder named node_modules, where git and other tools do not look, and where imports resolve as in test/. */
const WORK = join(ROOT, 'test/node_modules/.warmtoken-examples')

const pages = globSync(['README.md', 'CONTRIBUTING.md', 'docs/**/*.md', 'packages/*/README.md'], { cwd: ROOT }).sort()

interface Example {
  readonly page: string
  /** The line of the page that the code begins at. */
  readonly line: number
  readonly code: string
}

/** The TypeScript blocks of a page, except for those that say `ts fragment`: parts of a program, or of one with other libraries. */
function examplesOf(page: string): readonly Example[] {
  const text = readFileSync(join(ROOT, page), 'utf8')
  return [...text.matchAll(/^```(?:ts|typescript)\n([\s\S]*?)^```/gm)].map((match) => ({
    page,
    line: text.slice(0, match.index).split('\n').length + 1,
    code: match[1] ?? '',
  }))
}

/** Types that a package declares for libraries without any. */
const ambient = globSync('packages/*/src/**/*.d.ts', { cwd: ROOT }).map((path) => join(ROOT, path))

const examples = pages.flatMap(examplesOf)
function fileOf({ page, line }: Example): string {
  return `${page.replace(/\W+/g, '-')}-${line}.ts`
}

/** What examples may use without saying where it comes from. */
// Imported by examples of packages only: '@upstash/redis'.
const GIVEN = `import type { TokenHandle, Tokens } from '@warmtoken/core'
declare global {
  /** Reads a secret from wherever secrets are. */
  function secret(name: string): Promise<string>
  const tokens: Tokens
  const crm: TokenHandle
}
`

/** Libraries that this package installs for examples alone. */
const FOR_EXAMPLES = ['@epic-web/cachified', 'cache-manager']

let complaints = ''
beforeAll(async () => {
  mkdirSync(WORK, { recursive: true })
  writeFileSync(join(WORK, 'given.d.ts'), GIVEN)
  for (const example of examples) {
    // On its own, so that names of different examples never meet.
    writeFileSync(join(WORK, fileOf(example)), `${'\n'.repeat(example.line - 1)}${example.code}\nexport {}\n`)
  }
  const settings = {
    extends: '../../../tsconfig.base.json',
    compilerOptions: {
      composite: false,
      declaration: false,
      declarationMap: false,
      isolatedDeclarations: false,
      noEmit: true,
      noUnusedLocals: false,
    },
    files: ['given.d.ts', ...ambient, ...examples.map(fileOf)],
  }
  writeFileSync(join(WORK, 'tsconfig.json'), JSON.stringify(settings))
  const tsc = join(ROOT, 'node_modules/.bin/tsc')
  complaints = await promisify(execFile)(tsc, ['-p', WORK, '--pretty', 'false'], { cwd: WORK }).then(
    () => '',
    (error: { stdout?: string; message?: string }) => error.stdout || error.message || 'tsc failed',
  )
})
afterAll(() => rmSync(WORK, { recursive: true, force: true }))

describe('the examples', () => {
  it.each(FOR_EXAMPLES)('import %s, which is installed for them', (library) => {
    expect(examples.some(({ code }) => code.includes(`from '${library}'`))).toBe(true)
  })

  it('are found', () => {
    expect(examples.length).toBeGreaterThan(5)
  })

  it.each(examples.map((example) => [`${example.page}:${example.line}`, example] as const))(
    'at %s compile against the sources',
    (_where, example) => {
      const own = complaints.split('\n').filter((line) => line.includes(fileOf(example)))
      expect(own).toEqual([])
    },
  )

  it('compile without any other complaint', () => {
    // What is wrong in the sources themselves is reported by the build.
    const others = complaints.split('\n').filter((line) => line !== '' && !/^(\.\.\/|\s)/.test(line))
    expect(others).toEqual([])
  })

  it('stand in a README whose code is at most twelve lines, blank lines and imports apart, on its first screen', () => {
    const [first] = examplesOf('README.md')
    const lines = (first?.code ?? '').split('\n').filter((line) => line.trim() !== '' && !line.startsWith('import'))
    expect(first?.line).toBeLessThan(20)
    expect(lines.length).toBeLessThanOrEqual(12)
  })
})
