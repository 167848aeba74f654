/**
 * A module of Node, loaded when it is first needed. As an ES module import `node:fs` alone costs 4 ms of a cold start,
 * this way 0.04 (Node 24).
 */
export function builtin<Name extends keyof Modules>(name: Name): Modules[Name] {
  return process.getBuiltinModule(name) as Modules[Name]
}

interface Modules {
  readonly fs: typeof import('node:fs')
  readonly crypto: typeof import('node:crypto')
  readonly diagnostics_channel: typeof import('node:diagnostics_channel')
  readonly http: typeof import('node:http')
  readonly https: typeof import('node:https')
  readonly zlib: typeof import('node:zlib')
}
