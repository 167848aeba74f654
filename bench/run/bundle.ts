import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { builtinModules } from '@warmtoken/core/esbuild'
import { AS_DEPLOYED } from '@warmtoken/infra/bundle'
import { type BuildOptions, build, type Metafile } from 'esbuild'

/** The folder of the benchmarks, from which sources are named. */
const HERE = fileURLToPath(new URL('..', import.meta.url))
/** What a bundle needs when something in it is CommonJS and asks for a built-in. */
const REQUIRE = `import{createRequire as $$}from'node:module';const require=$$(import.meta.url);`

/** A bundle on the disk. */
export interface Bundled {
  readonly path: string
  /** Bytes that are loaded at the start. */
  readonly bytes: number
  /** Bytes of all its files. */
  readonly all: number
}

/** What is loaded with the entry: itself and what it imports other than lazily. */
function startOf({ outputs }: Metafile, entry: string): number {
  const seen = new Set<string>()
  const load = (name: string): number => {
    if (seen.has(name)) return 0
    seen.add(name)
    const { bytes = 0, imports = [] } = outputs[name] ?? {}
    const next = imports.filter(({ kind, external }) => kind === 'import-statement' && !external)
    return next.reduce((sum, { path }) => sum + load(path), bytes)
  }
  return load(entry)
}

/** Bundles one entry as minified ES modules, as a deployment would, into a folder of its own. */
export async function bundle(source: string, outdir: string, plugin: boolean): Promise<Bundled> {
  const options = {
    ...AS_DEPLOYED,
    absWorkingDir: HERE,
    entryPoints: [source],
    outdir,
    outExtension: { '.js': '.mjs' },
    // Optional parts of peers that are not installed here.
    external: ['knex', 'kysely', 'orchid-orm', '@aws-sdk/client-appconfigdata'],
    metafile: true,
    ...(plugin && { plugins: [builtinModules()] }),
  } satisfies BuildOptions
  let built = await build({ ...options, write: false })
  // What esbuild puts where it cannot bundle a require. Core knows the text as well, to explain it.
  const wantsRequire = built.outputFiles.some(({ text }) => /Error\(.?Dynamic require of/.test(text))
  built = await build({ ...options, write: false, ...(wantsRequire && { banner: { js: REQUIRE } }) })
  await build({ ...options, ...(wantsRequire && { banner: { js: REQUIRE } }) })
  const { outputs } = built.metafile
  const [entry = ''] = Object.entries(outputs).find(([, { entryPoint }]) => entryPoint === source) ?? []
  return {
    path: join(outdir, basename(entry)),
    bytes: startOf(built.metafile, entry),
    all: Object.values(outputs).reduce((sum, { bytes }) => sum + bytes, 0),
  }
}
