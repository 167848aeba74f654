/**
 * A plugin for esbuild that takes built-in modules by `process.getBuiltinModule` instead of importing them.
 *
 * @module
 */

import type { Plugin } from 'esbuild'
import { dropIdleHelpers } from './helpers.ts'
import { inOneChunk } from './one-chunk.ts'

/** The namespace of built-ins that are imported. */
const IMPORTED = 'warmtoken-builtin'
/** The namespace of built-ins that CommonJS requires. */
const REQUIRED = 'warmtoken-builtin-cjs'

/** Whether a name can be an export of its own; what else a module has is reached through its default export. */
function isExport(name: string): boolean {
  return /^[a-z_$][\w$]*$/i.test(name) && !RESERVED.includes(name)
}
const RESERVED: readonly string[] = ['default', 'module.exports']

/** An ES module that has the exports of a built-in one. A call marked as pure is left out where nobody uses its export. */
function moduleOf(name: string): string {
  const names = Object.keys(process.getBuiltinModule(name) ?? {}).filter(isExport)
  return [
    `const builtin = process.getBuiltinModule(${JSON.stringify(name)})`,
    'export default builtin',
    // Under names of their own, for some are words of the language.
    ...names.map((one, index) => `const $${index} = /* @__PURE__ */ (() => builtin.${one})()`),
    `export { ${names.map((one, index) => `$${index} as ${one}`).join(', ')} }`,
  ].join('\n')
}

/**
 * Makes the plugin. Node loads a built-in that an ES module imports through its module loader, with a wrapper of all its
 * exports, and clients of the SDK import several: one for DynamoDB loads some 6 ms sooner without that (Node 24,
 * `docs/performance/cold.md`). The bundle needs Node 22.3 or newer. Built-ins that this Node does not know are left as they
 * are. In a build that splits its code, fewer files are loaded at the start: what every hit needs of this package is one
 * chunk, and chunks that only load CommonJS lazily do not import esbuild's helpers for it.
 *
 * @example
 * ```ts
 * import { builtinModules } from '@warmtoken/core/esbuild'
 * import { build } from 'esbuild'
 *
 * await build({ entryPoints: ['handler.ts'], bundle: true, format: 'esm', platform: 'node', plugins: [builtinModules()] })
 * ```
 */
export function builtinModules(): Plugin {
  return {
    name: 'warmtoken-builtin-modules',
    setup(build) {
      const { initialOptions } = build
      if (initialOptions.splitting) {
        // Says which chunk holds what.
        initialOptions.metafile = true
        inOneChunk(build)
        build.onEnd((result) => dropIdleHelpers(result, initialOptions.absWorkingDir ?? process.cwd()))
      }
      const known = new Set(process.getBuiltinModule('module').builtinModules)
      build.onResolve({ filter: /^(node:)?[a-z_0-9/]+$/ }, ({ path, kind, namespace }) => {
        const bare = path.replace(/^node:/, '')
        if (namespace === IMPORTED || namespace === REQUIRED || !(known.has(bare) || known.has(path))) return undefined
        // An import of its whole self is what a dynamic import of a built-in gives anyway; it stays lazy as it is.
        if (kind === 'dynamic-import' || kind === 'require-resolve') return { path, external: true }
        return { path: `node:${bare}`, namespace: kind === 'require-call' ? REQUIRED : IMPORTED, sideEffects: false }
      })
      build.onLoad({ filter: /^/, namespace: IMPORTED }, ({ path }) => ({ contents: moduleOf(path), loader: 'js' }))
      build.onLoad({ filter: /^/, namespace: REQUIRED }, ({ path }) => ({
        contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)})`,
        loader: 'js',
      }))
    },
  }
}
