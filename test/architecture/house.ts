import type { Source } from './sources.ts'

const CORE = 'packages/core/src/'

/** On the ground: may be used by everything and use only each other, as listed. */
export const GROUND: { readonly [part: string]: readonly string[] } = {
  contracts: [],
  events: ['contracts'],
  errors: ['contracts'],
  lib: ['contracts', 'errors'],
  record: ['contracts', 'lib'],
}
const ground = Object.keys(GROUND)

/** What each part of core may import, types included. A part may import itself. What is not listed may import nothing. */
export const HOUSE: { readonly [part: string]: readonly string[] } = {
  ...GROUND,
  tiers: ground,
  seal: ground,
  stores: ground,
  sources: ground,
  observe: ground,
  'adapter-kit': ground,
  engine: [...ground, 'tiers', 'seal'],
  // Side by side on the engine: none of the three imports another.
  tokens: [...ground, 'engine', 'seal', 'stores', 'observe'],
  data: [...ground, 'engine', 'seal', 'stores', 'observe'],
  sessions: [...ground, 'engine', 'seal', 'stores', 'observe'],
  middy: [...ground, 'tokens', 'data', 'sessions'],
  interop: [...ground, 'tokens'],
  bundling: [],
  schedule: [...ground, 'tokens', 'data', 'sessions'],
  index: [...ground, 'engine', 'seal', 'stores', 'observe', 'tokens', 'data', 'sessions'],
}

/** The part of core that a file belongs to: its folder, or its own name beside the folders. */
export function partOf(path: string): string {
  const [first = ''] = path.slice(CORE.length).split('/')
  return first.replace(/\.ts$/, '')
}

/** What is wrong with the imports of one file of core, as sentences. */
export function checkCore({ path, imports }: Source): readonly string[] {
  const part = partOf(path)
  const allowed = HOUSE[part]
  if (allowed === undefined) return [`${path}: the part "${part}" is not in the house; say what it may import`]
  return imports.flatMap((one) => {
    if (!one.relative) return checkOutside(path, one)
    const other = partOf(one.target)
    if (one.target === `${CORE}index.ts`) return [`${path} imports through the package's own index`]
    return other === part || allowed.includes(other)
      ? []
      : [`${path} imports ${one.target}: ${part} may not use ${other}`]
  })
}

/** Libraries belong to sources and middlewares; everything else stands on Node alone. */
const LIBRARIES: { readonly [library: string]: readonly string[] } = {
  oauth4webapi: ['sources'],
  jose: ['sources', 'jwt'],
  cookie: ['sessions'],
  '@middy/core': ['middy'],
  'aws-lambda': ['middy'],
  esbuild: ['bundling'],
}

function checkOutside(path: string, { target, typeOnly }: Source['imports'][number]): readonly string[] {
  if (target.startsWith('@warmtoken/')) return [`${path} imports ${target}: core imports no package of this workspace`]
  const part = partOf(path)
  if (target.startsWith('node:')) {
    // As an import a module of Node costs milliseconds of every cold start; `builtin` costs next to nothing.
    return typeOnly ? [] : [`${path} imports ${target} at run time; use builtin.ts`]
  }
  return LIBRARIES[target]?.includes(part) === true ? [] : [`${path} imports ${target}`]
}

/** What is wrong with the imports of one file of an adapter. */
export function checkAdapter({ path, imports }: Source): readonly string[] {
  return imports.flatMap(({ target, typeOnly }) => {
    if (target.startsWith('@warmtoken/core')) {
      return typeOnly || target === '@warmtoken/core/adapter'
        ? []
        : [`${path} imports ${target} at run time; adapters take @warmtoken/core/adapter, and types from elsewhere`]
    }
    // What adapters share is a package below them, which itself stands on Node alone.
    return target.startsWith('@warmtoken/') && target !== '@warmtoken/http' ? [`${path} imports ${target}`] : []
  })
}

/** What is wrong with the imports of one file of the HTTP client. */
export function checkHttp({ path, imports }: Source): readonly string[] {
  return imports
    .filter(({ relative, target, typeOnly }) => !relative && !(typeOnly && target.startsWith('node:')))
    .map(({ target }) => `${path} imports ${target}; the HTTP client takes nothing but types of Node`)
}
