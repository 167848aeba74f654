import { dirname, join, relative, sep } from 'node:path'
import { builtinModules } from '@warmtoken/core/esbuild'
import { type BuildOptions, build, type Metafile } from 'esbuild'
import { browserText } from './browser-text.ts'
import { consolePage } from './console-page.ts'

/** The files of one build, by their path from the root with forward slashes, and what esbuild tells about them. */
export interface Bundle {
  readonly files: ReadonlyMap<string, Uint8Array>
  readonly metafile: Metafile
}

/** How handlers are bundled for Lambda: minified ES modules, in chunks that load when they are needed. */
export const AS_DEPLOYED: BuildOptions = {
  bundle: true,
  splitting: true,
  minify: true,
  format: 'esm',
  platform: 'node',
  target: 'node22',
  // `source`: straight from the sources of the workspace, no build before a package or a local run. `module`: the ES
  // modules of the SDK, because its CommonJS would ask for a `require` that an ES module does not have.
  conditions: ['source', 'module'],
  mainFields: ['module', 'main'],
  legalComments: 'none',
  logLevel: 'silent',
}

/**
 * Bundles handlers to ES modules in memory. What is imported lazily (the SDK, the OAuth 2 client) becomes a chunk of its
 * own, so that a call answered from memory never reads it.
 *
 * @param root folder of `serverless.yml`
 * @param entries source files from the root, for example `functions/contacts.ts`
 * @example
 * const { files } = await bundle(process.cwd(), ['functions/contacts.ts'])
 */
export async function bundle(root: string, entries: readonly string[]): Promise<Bundle> {
  const outdir = join(root, 'bundle')
  const { outputFiles, metafile } = await build({
    ...AS_DEPLOYED,
    absWorkingDir: root,
    entryPoints: [...entries],
    // Peer dependencies of packages, such as the SDK's clients, are the application's.
    nodePaths: [...new Set(entries.map((entry) => join(root, dirname(entry), 'node_modules')))],
    outdir,
    outbase: root,
    write: false,
    metafile: true,
    plugins: [builtinModules(), browserText(), consolePage()],
    chunkNames: 'chunks/[name]-[hash]',
  })
  const files = new Map(outputFiles.map(({ path, contents }) => [slashed(relative(outdir, path)), contents]))
  // `invoke local` and serverless-offline load .js, and take it for a module only by this.
  files.set('package.json', Buffer.from('{"type":"module"}\n'))
  return { files, metafile }
}

/** The source of a handler: `functions/contacts.handler` is in `functions/contacts.ts`. */
export function entryOf(handler: string): string {
  return `${handler.slice(0, handler.lastIndexOf('.'))}.ts`
}

function slashed(path: string): string {
  return path.split(sep).join('/')
}
