import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { checkAdapter, checkCommandLine, checkCore, partOf } from './house.ts'
import { findCycles, importsOf, packageOf, ROOT, readSources, type Source, withoutComments } from './sources.ts'

const packages = readSources('packages/*/src/**/*.ts')
const all = [
  ...packages,
  ...readSources('packages/core/simulator/*.ts'),
  ...readSources('functions/**/*.ts', 'infra/**/*.ts', 'bench/**/*.ts', 'test/**/*.ts', 'scripts/*.ts'),
]
const shipped = packages.filter(({ test }) => !test)
const core = shipped.filter(({ path }) => path.startsWith('packages/core/'))
const adapters = shipped.filter(({ path }) => path.startsWith('packages/adapters-'))

function graphOf(sources: readonly Source[]) {
  return new Map(
    sources.map(({ path, imports }) => [
      path,
      new Set(imports.filter(({ relative }) => relative).map(({ target }) => target)),
    ]),
  )
}

describe('the house of core', () => {
  it('has every import where the architecture allows it', () => {
    expect(core.length).toBeGreaterThan(30)
    expect(core.flatMap(checkCore)).toEqual([])
  })

  it('has no ring between its rooms, types included', () => {
    const parts = new Map<string, Set<string>>()
    for (const { path, imports } of core) {
      const part = partOf(path)
      const known = parts.get(part) ?? new Set()
      for (const { target, relative } of imports) if (relative && partOf(target) !== part) known.add(partOf(target))
      parts.set(part, known)
    }
    expect(findCycles(parts)).toEqual([])
  })
})

describe('all packages', () => {
  it('have no ring of imports, types included', () => {
    expect(shipped.length).toBeGreaterThan(100)
    expect(findCycles(graphOf(shipped))).toEqual([])
  })

  it('import nothing through their own index or name', () => {
    const wrong = shipped.flatMap(({ path, imports }) => {
      const [folder = ''] = path.split('/src/')
      const { name } = manifest(folder)
      return imports
        .filter(({ target }) => target === `${folder}/src/index.ts` || packageOf(target) === name)
        .map(({ target }) => `${path} imports ${target}`)
    })
    expect(wrong.filter((line) => !line.startsWith('packages/local/src/cli.ts'))).toEqual([])
  })

  it('import nothing from functions, infra, bench or test', () => {
    const outside = shipped.flatMap(({ path, imports }) =>
      imports.filter(({ target, relative }) => relative && !target.startsWith('packages/')).map(() => path),
    )
    expect(outside).toEqual([])
  })

  it('read no environment variable and print nothing, except for commands', () => {
    const isCommand = (path: string): boolean => /\/cli\.ts$/.test(path)
    const quiet = shipped.filter(({ path }) => !isCommand(path))
    const having = (pattern: RegExp) => quiet.filter(({ code }) => pattern.test(code)).map(({ path }) => path)
    expect(having(/\bprocess\.env\b|from 'node:process'/)).toEqual([])
    expect(having(/\bconsole\s*\.(?!ts')/)).toEqual([])
  })

  it('take the adapter kit and types from core where they are adapters', () => {
    expect(adapters.length).toBeGreaterThan(0)
    expect(adapters.flatMap(checkAdapter)).toEqual([])
  })
})

describe('the command line', () => {
  it('loads what a command needs when the command runs', () => {
    const commandLine = shipped.filter(({ path }) => path.startsWith('packages/cli/'))
    expect(commandLine.length).toBeGreaterThan(10)
    expect(commandLine.flatMap(checkCommandLine)).toEqual([])
  })
})

describe('the functions', () => {
  const functions = all.filter(({ path, test }) => path.startsWith('functions/') && !test)

  it('read the environment in a composition root alone', () => {
    expect(
      functions
        .filter(({ code }) => code.includes('process.env'))
        .map(({ path }) => path)
        .sort(),
    ).toEqual(['functions/accounts/composition.ts', 'functions/composition.ts'])
  })

  it('are imported by nobody but tests', () => {
    const importers = all.filter(({ path, test, imports }) => {
      const foreign = !path.startsWith('functions/') && !test
      return (
        foreign && imports.some(({ target }) => target.startsWith('functions/') || target === '@warmtoken/functions')
      )
    })
    expect(importers.map(({ path }) => path)).toEqual([])
  })
})

interface Manifest {
  readonly name: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

function manifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')) as Manifest
}

const folders = globSync(['packages/*/package.json', '{functions,infra,bench,test}/package.json'], { cwd: ROOT })
  .map((path) => dirname(path))
  .sort()

const manifests = folders.map(manifest)

describe.each(folders)('the dependencies of %s', (folder) => {
  const {
    name,
    dependencies = {},
    devDependencies = {},
    peerDependencies = {},
    optionalDependencies = {},
  } = manifest(folder)
  const own = all.filter(({ path }) => path.startsWith(`${folder}/`))
  const forUsers = { ...dependencies, ...peerDependencies, ...optionalDependencies }
  const isDeclared = (wanted: string, among: object): boolean =>
    wanted in among || `@types/${wanted}` in among || `@types/${wanted.replace('@', '').replace('/', '__')}` in among

  it('hold all that is imported', () => {
    const missing = own.flatMap(({ path, test, imports }) =>
      imports
        .filter(({ target, relative }) => !relative && !/^(node:|#)/.test(target))
        .filter(({ target, typeOnly }) => {
          const wanted = packageOf(target)
          // What a user's program loads must come with the package; types and tests may use what is here.
          const among =
            test || typeOnly || !folder.startsWith('packages/') ? { ...forUsers, ...devDependencies } : forUsers
          return wanted !== name && !isDeclared(wanted, among)
        })
        .map(({ target }) => `${path} imports ${target}`),
    )
    expect(missing).toEqual([])
  })

  it('hold nothing that is not used', () => {
    const imported = new Set(own.flatMap(({ imports }) => imports.map(({ target }) => packageOf(target))))
    // A peer of an imported package of this workspace is brought along for it.
    const peers = new Set(
      [...imported].flatMap((one) => Object.keys(manifests.find(({ name }) => name === one)?.peerDependencies ?? {})),
    )
    // A package may also be found by its name, as a binary beside a server is.
    const isNamed = (wanted: string): boolean => own.some(({ code }) => code.includes(`'${wanted}`))
    const unused = Object.keys({ ...forUsers, ...devDependencies }).filter((declared) => {
      const wanted = declared.replace('@types/', '')
      return !imported.has(wanted) && !peers.has(wanted) && !isNamed(wanted)
    })
    expect(unused).toEqual([])
  })
})

describe('this test', () => {
  const at = (path: string, code: string): Source => ({ path, code, imports: importsOf(path, code), test: false })

  it('sees every form of import', () => {
    const code = readFileSync(new URL('./every-form-of-import.txt', import.meta.url), 'utf8')
    expect(importsOf('x/y.ts', code).map(({ target, typeOnly, lazy }) => [target, typeOnly, lazy])).toEqual([
      ['a', false, false],
      ['b', true, false],
      ['c', false, false],
      ['d', true, false],
      ['f', false, false],
      ['g', true, false],
      ['h', false, false],
      ['e', false, false],
      ['i', false, true],
      ['j', true, true],
    ])
  })

  it('does not take comments for code', () => {
    const code = withoutComments(
      "/**\n * process.env\n */\n// console.log\nconst url = 'https://example.com' // console",
    )
    expect(code).not.toMatch(/process\.env|console/)
    expect(code).toContain('https://example.com')
  })

  it.each([
    ['packages/core/src/engine/get.ts', "import { x } from '../sources/oauth2.ts'"],
    ['packages/core/src/engine/get.ts', "import { x } from '../middy/index.ts'"],
    ['packages/core/src/engine/get.ts', "import { x } from '@warmtoken/adapters-aws/dynamodb'"],
    ['packages/core/src/sources/oauth2/index.ts', "import type { x } from '../../engine/engine.ts'"],
    ['packages/core/src/sources/oauth2/index.ts', "import type { x } from '../../tokens/token.ts'"],
    ['packages/core/src/tokens/handle.ts', "import { x } from '../data/cache.ts'"],
    ['packages/core/src/data/cache.ts', "import { x } from '../tokens/token.ts'"],
    ['packages/core/src/tokens/handle.ts', "import { x } from '../index.ts'"],
    ['packages/core/src/tiers/file/reader.ts', "import { x } from 'node:fs'"],
    ['packages/core/src/contracts.ts', "import type { x } from './errors.ts'"],
    ['packages/core/src/engine/get.ts', "import { x } from 'lru-cache'"],
    ['packages/core/src/elsewhere/x.ts', ''],
  ])('rejects %s with %s', (path, code) => {
    expect(checkCore(at(path, code))).toHaveLength(1)
  })

  it('rejects an adapter that loads core', () => {
    expect(checkAdapter(at('packages/adapters-aws/src/s3.ts', "import { x } from '@warmtoken/core'"))).toHaveLength(1)
    expect(checkAdapter(at('packages/adapters-aws/src/s3.ts', "import type { x } from '@warmtoken/core'"))).toEqual([])
    const kit = "import { x } from '@warmtoken/core/adapter'"
    expect(checkAdapter(at('packages/adapters-aws/src/s3.ts', kit))).toEqual([])
  })

  it.each([
    ['packages/cli/src/program.ts', "import { list } from './commands/list.ts'"],
    ['packages/cli/src/commands/list.ts', "import { parse } from 'yaml'"],
    ['packages/cli/src/place.ts', "import { s3Store } from '@warmtoken/adapters-aws/s3'"],
  ])('rejects %s with %s', (path, code) => {
    expect(checkCommandLine(at(path, code))).toHaveLength(1)
  })

  it('would find a ring', () => {
    const graph = new Map([
      ['a', new Set(['b'])],
      ['b', new Set(['c'])],
      ['c', new Set(['a'])],
    ])
    expect(findCycles(graph)).toEqual(['a → b → c → a'])
  })
})
