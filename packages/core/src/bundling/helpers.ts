import type { BuildResult, Metafile } from 'esbuild'

const { basename, resolve } = process.getBuiltinModule('node:path')

/** The chunks that hold helpers of esbuild's alone, by their file names. */
const helperChunks = ({ outputs }: Metafile): readonly string[] =>
  Object.entries(outputs)
    .filter(([, { inputs, imports, entryPoint }]) => {
      const isOwn = entryPoint === undefined && Object.keys(inputs).length === 0
      return isOwn && imports.length === 0
    })
    .map(([path]) => basename(path))
    .filter((name) => /^[\w.-]+\.m?js$/.test(name))

/** The text without imports of these files that import nothing. Spaces take their place, for the sake of source maps. */
const without = (text: string, names: readonly string[]): string =>
  names.reduce((rest, name) => {
    const idle = new RegExp(`\\bimport ?"[^"\\n]*${name.replaceAll('.', '\\.')}";`, 'g')
    return rest.replace(idle, (found) => ' '.repeat(found.length))
  }, text)

/**
 * Takes idle imports of esbuild's helpers out of a build that splits its code. esbuild puts what CommonJS needs into a
 * chunk of its own, and has each chunk import it that leads to CommonJS by any way, a lazy one too: with an SDK in the
 * bundle every cold start finds, reads and links a file that it has no use for.
 */
export const dropIdleHelpers = async (
  { metafile, outputFiles }: Pick<BuildResult, 'metafile' | 'outputFiles'>,
  folder: string,
): Promise<void> => {
  const names = metafile === undefined ? [] : helperChunks(metafile)
  if (metafile === undefined || names.length === 0) return
  const { readFile, writeFile } = process.getBuiltinModule('node:fs/promises')
  const importing = Object.entries(metafile.outputs).filter(([, { imports }]) =>
    imports.some(({ path }) => names.includes(basename(path))),
  )
  for (const [output] of importing) {
    const path = resolve(folder, output)
    if (outputFiles === undefined) {
      await writeFile(path, without(await readFile(path, 'utf8'), names))
      continue
    }
    const file = outputFiles.find((one) => one.path === path)
    if (file !== undefined) file.contents = new TextEncoder().encode(without(file.text, names))
  }
}
