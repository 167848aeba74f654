import type { PluginBuild } from 'esbuild'

const { dirname, extname, resolve } = process.getBuiltinModule('node:path')
const { fileURLToPath } = process.getBuiltinModule('node:url')

/** The namespace of modules of this package that are loaded later. */
const LATER = 'warmtoken-later'

/** Where the modules of this package are, as sources or built. */
const OWN = fileURLToPath(new URL('..', import.meta.url))
/** Adapters, which share the kit and its ground with the engine. */
const ADAPTER = /[\\/](@warmtoken|packages)[\\/]adapters-[\w-]+[\\/](src|dist)[\\/]/
/** What a hit loads, what sources and stores may load with it, and what the engine and stores share after a miss. */
const START: readonly string[] = ['index', 'errors', 'adapter-kit/setup', 'lib/line', 'lib/runtime', 'lib/timing'].map(
  (name) => OWN + name + extname(import.meta.url),
)

function importOf(path: string): string {
  return `import ${JSON.stringify(path)}`
}

/**
 * Has a build make one chunk of all that a hit loads of this package. esbuild makes a chunk of each set of modules that the
 * same entries and lazy chunks lead to, and every file costs a cold start 0.4 ms and more. Here each lazy chunk leads to
 * all that a hit has loaded by then, so that there is one set; nothing is loaded or run for it that was not before.
 */
export function inOneChunk(build: PluginBuild): void {
  build.onResolve({ filter: /^\.\.?\/.*\.[jt]s$/ }, ({ path, kind, importer, resolveDir }) =>
    kind === 'dynamic-import' && (importer.startsWith(OWN) || ADAPTER.test(importer))
      ? { path: resolve(resolveDir, path), namespace: LATER, sideEffects: false }
      : undefined,
  )
  build.onLoad({ filter: /^/, namespace: LATER }, ({ path }) => ({
    contents: [`export * from ${JSON.stringify(path)}`, ...START.map(importOf)].join('\n'),
    loader: 'js',
    resolveDir: dirname(path),
  }))
}
