import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The root of the workspace. */
export const ROOT: string = fileURLToPath(new URL('../..', import.meta.url))

/** One import of a source file. */
export interface Import {
  /** As it is written: `node:fs`, `@middy/core`, or for a relative one its path from the root. */
  readonly target: string
  readonly relative: boolean
  /** Whether nothing of it is left at run time. */
  readonly typeOnly: boolean
  /** Whether it is loaded only when that line runs. */
  readonly lazy: boolean
}

/** A source file and what it imports. */
export interface Source {
  /** Path from the root. */
  readonly path: string
  /** The text without comments. */
  readonly code: string
  readonly imports: readonly Import[]
  /** Whether it is a test, or only used by tests. */
  readonly test: boolean
}

const STATEMENT = /^(?:import|export)\s+(type\s+)?([\w\s{},*$]*?)\s*from\s+'([^']+)'/gm
const BARE = /^import\s+'([^']+)'/gm
const CALL = /(typeof\s+)?\bimport\(\s*'([^']+)'/g
/** Comments, or a text that may hold what looks like one. A text is kept. */
const COMMENT = /\/\*[\s\S]*?\*\/|(?<![:\\'"`])\/\/[^\n]*|'(?:\\.|[^'\\\n])*'/g

/** The code without its comments. */
export function withoutComments(text: string): string {
  return text.replace(COMMENT, (match) => (match.startsWith('/') ? ' ' : match))
}

function isTypeOnly(keyword: string | undefined, names: string): boolean {
  return (
    keyword !== undefined ||
    (/^\{\s*type\s/.test(names) && names.split(',').every((name) => /^[\s{}]*(type\s|$)/.test(name)))
  )
}

/** Reads the imports of a text as if it stood at that path. */
export function importsOf(path: string, code: string): readonly Import[] {
  const found: Import[] = []
  const add = (target: string, typeOnly: boolean, lazy: boolean): void => {
    const isRelative = target.startsWith('.')
    const resolved = isRelative ? join(dirname(path), target) : target
    found.push({ target: resolved, relative: isRelative, typeOnly, lazy })
  }
  for (const [, keyword, names = '', target = ''] of code.matchAll(STATEMENT)) {
    add(target, isTypeOnly(keyword, names), false)
  }
  for (const [, target = ''] of code.matchAll(BARE)) add(target, false, false)
  for (const [, asType, target = ''] of code.matchAll(CALL)) add(target, asType !== undefined, true)
  return found
}

/** The sources that match, with their imports. */
export function readSources(...patterns: readonly string[]): readonly Source[] {
  return globSync([...patterns], { cwd: ROOT, exclude: ['**/node_modules/**', '**/dist/**', '**/*.d.ts'] })
    .sort()
    .map((found) => {
      const path = relative(ROOT, join(ROOT, found))
      const code = withoutComments(readFileSync(join(ROOT, path), 'utf8'))
      return {
        path,
        code,
        imports: importsOf(path, code),
        test: /\.test[.-]|^test\/|^packages\/core\/simulator\//.test(path),
      }
    })
}

/** The package that a bare import belongs to: `@middy/core` of `@middy/core/x`. */
export function packageOf(target: string): string {
  return target
    .split('/')
    .slice(0, target.startsWith('@') ? 2 : 1)
    .join('/')
}

/** The rings in a graph of imports, each as the path that leads back to its start. Empty when there are none. */
export function findCycles(graph: ReadonlyMap<string, ReadonlySet<string>>): readonly string[] {
  const cycles: string[] = []
  const done = new Set<string>()
  const visit = (node: string, way: readonly string[]): void => {
    const start = way.indexOf(node)
    if (start >= 0) {
      cycles.push([...way.slice(start), node].join(' → '))
      return
    }
    if (done.has(node)) return
    for (const next of graph.get(node) ?? []) visit(next, [...way, node])
    done.add(node)
  }
  for (const node of graph.keys()) visit(node, [])
  return cycles
}
