import type { BuildResult, Metafile } from 'esbuild'

const { posix, resolve } = process.getBuiltinModule('node:path')

/** The chunks that hold helpers of esbuild's alone, by their paths. */
function helperChunks({ outputs }: Metafile): readonly string[] {
  return Object.entries(outputs)
    .filter(([, { inputs, imports, entryPoint }]) => {
      const isOwn = entryPoint === undefined && Object.keys(inputs).length === 0
      return isOwn && imports.length === 0
    })
    .map(([path]) => path)
}

/** How one output names another that it imports. A file's name alone is not enough: chunks in folders may be named alike. */
function nameIn(output: string, chunk: string): string {
  const path = posix.relative(posix.dirname(output), chunk)
  return /^\.\.?\//.test(path) ? path : `./${path}`
}

/** The text without imports of these files that import nothing. Spaces take their place, for the sake of source maps. */
function without(text: string, names: readonly string[]): string {
  return text.replace(/\bimport ?"([^"\n]*)";/g, (found, name: string) =>
    names.includes(name) ? ' '.repeat(found.length) : found,
  )
}

/**
 * Takes idle imports of esbuild's helpers out of a build that splits its code. esbuild puts what CommonJS needs into a
 * chunk of its own, and has each chunk import it that leads to CommonJS by any way, a lazy one too: with an SDK in the
 * bundle every cold start finds, reads and links a file that it has no use for.
 */
export async function dropIdleHelpers(
  { metafile, outputFiles }: Pick<BuildResult, 'metafile' | 'outputFiles'>,
  folder: string,
): Promise<void> {
  const chunks = metafile === undefined ? [] : helperChunks(metafile)
  if (metafile === undefined || chunks.length === 0) return
  const { readFile, writeFile } = process.getBuiltinModule('node:fs/promises')
  const importing = Object.entries(metafile.outputs).filter(([, { imports }]) =>
    imports.some(({ path }) => chunks.includes(path)),
  )
  for (const [output] of importing) {
    const path = resolve(folder, output)
    const names = chunks.map((chunk) => nameIn(output, chunk))
    if (outputFiles === undefined) {
      await writeFile(path, without(await readFile(path, 'utf8'), names))
      continue
    }
    const file = outputFiles.find((one) => one.path === path)
    if (file !== undefined) file.contents = new TextEncoder().encode(without(file.text, names))
  }
}
