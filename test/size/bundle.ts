import { mkdirSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { builtinModules } from '@warmtoken/core/esbuild'
import { AS_DEPLOYED } from '@warmtoken/infra/bundle'
import { build, type Metafile, type Plugin } from 'esbuild'

/** One file of a bundle. */
export interface Chunk {
  readonly name: string
  readonly bytes: number
  /** Sources in it, by their path from the root of the workspace. */
  readonly inputs: readonly string[]
  /** Files loaded with it. */
  readonly imports: readonly string[]
}

/** A bundled handler. */
export interface Bundled {
  readonly chunks: readonly Chunk[]
  readonly entry: Chunk
  /** Bytes that each source takes in what is loaded at the start, largest first. */
  readonly weights: readonly (readonly [source: string, bytes: number])[]
  /** Bytes of all that is loaded at the start. */
  readonly loaded: number
  /**
   * The part of it that is Middy, core, the middleware and the definition of the source, with all that ties them
   * together: not the definition of the store, the handler itself, and what esbuild adds for the CommonJS of the SDK.
   */
  readonly core: number
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const ENTRY = 'test/size/handler.ts'
/** What is loaded at the start and is neither Middy nor core: the definition of the store, with the kit that it uses. */
const OTHERS = /^(test|packages\/adapters-|packages\/core\/src\/adapter-kit)/

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}

/** Bundles the handler of this folder as a deployment would, into a folder. */
export async function bundleHandler(outdir: string, plugins: readonly Plugin[] = []): Promise<Bundled> {
  const { metafile, outputFiles } = await build({
    ...AS_DEPLOYED,
    absWorkingDir: ROOT,
    entryPoints: [ENTRY],
    outdir,
    metafile: true,
    plugins: [builtinModules(), ...plugins],
    write: false,
  })
  mkdirSync(outdir, { recursive: true })
  for (const { path, contents } of outputFiles) {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, contents)
  }
  writeFileSync(join(outdir, 'package.json'), '{"type":"module"}')
  return describe(metafile)
}

function describe({ outputs }: Metafile): Bundled {
  const all = Object.entries(outputs)
  const chunks = all.map(([path, { bytes, inputs, imports }]) => ({
    name: basename(path),
    bytes,
    inputs: Object.keys(inputs),
    imports: imports.filter(({ kind }) => kind === 'import-statement').map((one) => basename(one.path)),
  }))
  const entry = chunks[all.findIndex(([, { entryPoint }]) => entryPoint === ENTRY)]
  if (entry === undefined) throw new Error('the bundle has no entry')
  const start = loadedWith(chunks, entry)
  const names = new Set(start.map(({ name }) => name))
  const weights = new Map<string, number>()
  for (const [path, { inputs }] of all) {
    if (!names.has(basename(path))) continue
    for (const [source, { bytesInOutput }] of Object.entries(inputs)) {
      weights.set(source, (weights.get(source) ?? 0) + bytesInOutput)
    }
  }
  const loaded = sum(start.map(({ bytes }) => bytes))
  const helpers = sum(start.filter(({ inputs }) => inputs.length === 0).map(({ bytes }) => bytes))
  const others = sum([...weights].map(([source, bytes]) => (OTHERS.test(source) ? bytes : 0)))
  return {
    chunks,
    entry,
    weights: [...weights].sort(([, one], [, other]) => other - one),
    loaded,
    core: loaded - helpers - others,
  }
}

/** The chunk and all that is loaded with it. */
export function loadedWith(chunks: readonly Chunk[], chunk: Chunk, seen: Set<Chunk> = new Set()): readonly Chunk[] {
  seen.add(chunk)
  for (const name of chunk.imports) {
    const next = chunks.find((one) => one.name === name)
    if (next !== undefined && !seen.has(next)) loadedWith(chunks, next, seen)
  }
  return [...seen]
}
