import type { Entry } from '@warmtoken/core'

/** An entry as a file holds it: what matters here. */
export interface FileEntry extends Omit<Entry<unknown>, 'value'> {
  readonly sealed: string
}

/** The file tier alone, without what stands on it. */
export interface FileTier {
  read(key: string): FileEntry | undefined
  write(key: string, entry: FileEntry): void
}

type Reader = Pick<FileTier, 'read'>

interface Inside {
  createFileReader(directory: string, runtime: object): Reader
  createFileTier(reader: Reader, options: object): FileTier
}

/**
 * Opens the file tier, which no package exports, on a folder. Here only: the rest of the benchmarks uses what users use.
 * The address is made at run time, for the compiler lets no project reach into another's sources.
 */
export async function openFileTier(directory: string): Promise<FileTier> {
  const tiers = new URL('../../packages/core/src/tiers/', import.meta.url)
  const { createFileReader } = (await import(new URL('file/reader.ts', tiers).href)) as Inside
  const { createFileTier } = (await import(new URL('file/writer.ts', tiers).href)) as Inside
  const runtime = { wall: Date.now, unique: () => crypto.randomUUID() }
  const onProblem = (_key: string, problem: string): never => {
    throw new Error(`the file tier has a problem: ${problem}`)
  }
  const reader = createFileReader(directory, runtime)
  const { write } = createFileTier(reader, { runtime, onProblem })
  // A hit and a miss of the first look are the reader's alone.
  return { read: reader.read, write }
}
