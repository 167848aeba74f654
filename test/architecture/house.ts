import type { Source } from './sources.ts'

const CORE = 'packages/core/src/'

/** A room: a folder of `packages/core/src`, or a file beside the folders. */
export interface Room {
  /** What is in it, in one line. */
  readonly about: string
  /** The rooms that it may import, types included. A room may always import itself. */
  readonly imports: readonly string[]
}

/** The plan of a house: rooms by name. */
export type Plan = { readonly [room: string]: Room }

/** The ground: every room above may import it. It imports only what is listed here. */
export const GROUND: Plan = {
  contracts: { about: 'Source, Store, Entry, Codec', imports: [] },
  events: { about: 'every event type', imports: ['contracts'] },
  errors: { about: 'every error class', imports: ['contracts'] },
  lib: { about: 'parse, options, key, hash, timing', imports: ['contracts', 'errors'] },
  record: { about: 'the stored record and its transitions', imports: ['contracts', 'lib'] },
}

const ground = Object.keys(GROUND)
/** What stands on the engine may use, beside the ground. */
const onEngine = [...ground, 'engine', 'seal', 'stores', 'observe']

/** The plan of core. The architecture test enforces it, and docs/architecture.svg is drawn from it. */
export const HOUSE: Plan = {
  ...GROUND,
  tiers: { about: 'memory, file', imports: ground },
  seal: { about: 'encryption of stored values', imports: ground },
  stores: { about: 'in-process store, fronted store', imports: ground },
  sources: { about: 'one folder per issuer', imports: ground },
  observe: { about: 'events, report, metrics', imports: ground },
  'adapter-kit': { about: 'for authors of stores', imports: ground },
  engine: { about: 'the read path and the miss path', imports: [...ground, 'tiers', 'seal'] },
  // Side by side on the engine: none of the three imports another.
  tokens: { about: 'createTokens, handles, Token', imports: onEngine },
  data: { about: 'createCache', imports: onEngine },
  collections: { about: 'hash, list, set, counter', imports: [...ground, 'data'] },
  'write-behind': { about: 'writes that are applied later', imports: [...ground, 'engine', 'data'] },
  bloom: { about: 'a Bloom filter before a resource', imports: [...ground, 'data'] },
  sessions: { about: 'createSessions', imports: onEngine },
  lease: { about: 'withLease', imports: [...ground, 'engine'] },
  live: { about: 'live events, sockets, streams', imports: [...ground, 'observe', 'sessions', 'data'] },
  'http-cache': {
    about: 'HTTP caching: answers from entries, loads by upstream headers',
    imports: [...ground, 'data'],
  },
  middy: { about: 'Middy middleware', imports: [...ground, 'http-cache', 'tokens', 'data', 'sessions'] },
  authorizer: { about: 'API Gateway authorizers', imports: [...ground, 'sessions'] },
  jwt: { about: 'JWTs of other issuers', imports: [...ground, 'sources', 'tokens', 'sessions'] },
  interop: { about: 'caches for vendor SDKs', imports: [...ground, 'tokens', 'data'] },
  calendar: { about: 'expiry at a boundary of the calendar', imports: ground },
  presets: { about: 'placements, one call each', imports: [...ground, 'seal', 'stores'] },
  bundling: { about: 'esbuild plugin', imports: [] },
  schedule: { about: 'refreshes by a plan', imports: [...ground, 'engine', 'calendar'] },
  operate: { about: 'records, for operators', imports: [...ground, 'adapter-kit'] },
  admin: {
    about: 'the admin function',
    imports: [...ground, 'observe', 'data', 'sessions', 'operate'],
  },
  index: { about: 'the public names', imports: [...onEngine, 'tokens', 'data', 'sessions'] },
}

/** The room of core that a file belongs to: its folder, or its own name beside the folders. */
export function partOf(path: string): string {
  const [first = ''] = path.slice(CORE.length).split('/')
  return first.replace(/\.ts$/, '')
}

/** What is wrong with the imports of one file of core, as sentences. */
export function checkCore({ path, imports }: Source): readonly string[] {
  const part = partOf(path)
  const allowed = HOUSE[part]?.imports
  if (allowed === undefined)
    return [`${path}: the room "${part}" is not in the plan; add it to HOUSE with what it may import`]
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
  jose: ['sources', 'jwt'],
  cookie: ['sessions'],
  '@middy/core': ['middy'],
  'aws-lambda': ['middy'],
  esbuild: ['bundling'],
  'temporal-polyfill': ['calendar'],
  '@opentelemetry/api': ['observe'],
  yaml: ['schedule'],
  fresh: ['http-cache'],
  'http-cache-semantics': ['http-cache'],
  bloomfilter: ['bloom'],
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

/** What is wrong with the imports of one file of an adapter. Upstash is Redis over REST: the one adapter that uses another. */
export function checkAdapter({ path, imports }: Source): readonly string[] {
  return imports.flatMap(({ target, typeOnly }) => {
    if (target.startsWith('@warmtoken/core')) {
      return typeOnly || /^@warmtoken\/core\/adapter(\/setup)?$/.test(target)
        ? []
        : [`${path} imports ${target} at run time; adapters take @warmtoken/core/adapter, and types from elsewhere`]
    }
    const isShared = path.startsWith('packages/adapters-upstash/') && target === '@warmtoken/adapters-redis/calls'
    return target.startsWith('@warmtoken/') && !isShared ? [`${path} imports ${target}`] : []
  })
}

/** What each part of the command line may load, beside Node and what lies in its own folder. */
const COMMAND_LINE: { readonly [library: string]: RegExp } = {
  commander: /src\/(cli|exit|program|arguments)\.ts$/,
  '@commander-js/extra-typings': /src\/program\.ts$/,
  yaml: /src\/(service|commands\/init)\.ts$/,
  diff: /src\/commands\/init\.ts$/,
  '@aws-sdk/client-dynamodb': /src\/doctor\/facts\.ts$/,
}

/** What is wrong with the imports of one file of the command line. `--help` must load no command. */
export function checkCommandLine({ path, imports }: Source): readonly string[] {
  return imports.flatMap(({ target, typeOnly, lazy, relative }) => {
    if (typeOnly || lazy || target.startsWith('node:')) return []
    const isStart = /src\/(cli|program)\.ts$/.test(path)
    if (relative) return isStart && /\/(commands|doctor|cost)\//.test(target) ? [`${path} loads ${target} at once`] : []
    if (/^@warmtoken\/adapters-/.test(target)) return [`${path} loads ${target} at once; import() it where it is used`]
    if (/^@warmtoken\/core(\/|$)/.test(target)) return []
    return COMMAND_LINE[target]?.test(path) === true ? [] : [`${path} imports ${target}`]
  })
}
