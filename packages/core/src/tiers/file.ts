import { builtin } from '../builtin.ts'
import type { Entry, Json, Runtime } from '../contracts.ts'
import { parseLife } from '../life.ts'
import { asFields, asText, parseJson } from '../parse.ts'

/** The version of the file's form. */
export const SCHEMA = 1
/** The largest file that is read, in bytes. */
export const MAX_FILE_SIZE: number = 1024 * 1024
/** Permission bits that let somebody else change a file. */
const OTHERS_WRITE = 0o022

/** An entry as a file holds it, sealed, with the time on the server as this machine knew it when it was written. */
export interface FileEntry extends Omit<Entry<Json>, 'value'> {
  /** The value as the codec sealed it. */
  readonly sealed: string
  /** The time on the server now, at least. */
  readonly earliest: number
  /** The time on the server now, at most. */
  readonly latest: number
  /** Whether that time came from a server, and not from this machine's wall clock. */
  readonly observed: boolean
}

/** Why a file was not accepted or could not be written. */
export type FileProblem = 'folder' | 'symlink' | 'owner' | 'permissions' | 'size' | 'corrupt' | 'key' | 'disk'

/** How the file tier is made. */
export interface FileTierOptions {
  /** The folder, made with mode 0700 when it is missing. Must belong to this user. */
  readonly directory: string
  readonly runtime: Pick<Runtime, 'wall' | 'unique'>
  /** Told of every problem; a problem is never thrown. */
  onProblem(key: string, problem: FileProblem): void
}

/** The half of the file tier that a hit needs. Everything in it is synchronous. */
export interface FileReader extends FileTierOptions {
  /** The entry of the key, `undefined` when there is none. */
  read(key: string): FileEntry | undefined
  /** Where the entry of the key lies. */
  pathOf(key: string): string
  /** Whether the folder, which must be there, may be used: one that somebody else can write to is not. */
  trusts(key: string): boolean
}

/** CLOCK_MONOTONIC of the machine in ms, so that a new process in the same environment can count on from it. */
export const machineTime = (): number => Number(process.hrtime.bigint()) / 1e6

/**
 * Makes the reader. The runtime's native client can starve the thread pool of Node, and promises cost ten times the
 * read itself, so small files are read and written synchronously (10–70 µs).
 */
export const createFileReader = (options: FileTierOptions): FileReader => {
  const { directory, runtime, onProblem } = options
  const fs = builtin('fs')
  const { O_NOFOLLOW, O_NONBLOCK } = fs.constants
  // Where there are no users, every file has the owner 0.
  const user = process.getuid?.() ?? 0
  let trusted: boolean | undefined

  // The key ends in a hash; only that part names the file, so no input of a user reaches the file system.
  const pathOf = (key: string): string => `${directory}/${key.slice(key.lastIndexOf('~') + 1)}.json`

  const trusts = (key: string): boolean => {
    if (trusted !== undefined) return trusted
    const stat = fs.lstatSync(directory)
    trusted = stat.isDirectory() && stat.uid === user && (stat.mode & OTHERS_WRITE) === 0
    if (!trusted) onProblem(key, 'folder')
    return trusted
  }

  const load = (key: string): FileEntry | FileProblem => {
    // Without O_NONBLOCK a pipe in the place of the file would hold the whole environment. O_RDONLY is 0.
    const file = fs.openSync(pathOf(key), O_NOFOLLOW | O_NONBLOCK)
    try {
      const stat = fs.fstatSync(file)
      if (!stat.isFile()) return 'symlink'
      if (stat.uid !== user) return 'owner'
      if ((stat.mode & OTHERS_WRITE) !== 0) return 'permissions'
      if (stat.size > MAX_FILE_SIZE) return 'size'
      return parse(fs.readFileSync(file, 'utf8'), key)
    } finally {
      fs.closeSync(file)
    }
  }

  const parse = (text: string, key: string): FileEntry | FileProblem => {
    const fields = asFields(parseJson(text)) ?? {}
    const life = parseLife(fields, 'earliest', 'latest', 'wall', 'monotonic')
    const sealed = asText(fields['sealed'], MAX_FILE_SIZE)
    if (fields['schema'] !== SCHEMA || life === undefined || sealed === undefined) return 'corrupt'
    if (fields['key'] !== key) return 'key'
    // Elapsed since the write, as two bounds, for the same reasons as in engine/clock.ts. A monotonic clock that has
    // gone back means a new boot: then only the wall clock is left, and if that has gone back too, nothing is known.
    const { wall, monotonic, ...rest } = life
    const byWall = runtime.wall() - wall
    const byMonotonic = machineTime() - monotonic
    const elapsed = byMonotonic < 0 ? [byWall] : [byWall, byMonotonic]
    const fast = Math.max(...elapsed)
    if (fast < 0) return 'corrupt'
    const earliest = life.earliest + Math.max(0, Math.min(...elapsed))
    return { ...rest, sealed, earliest, latest: life.latest + fast, observed: fields['observed'] === true }
  }

  return {
    ...options,
    pathOf,
    trusts,
    read(key) {
      // Asking first is six times cheaper than a thrown ENOENT, and most cold environments have no file.
      if (!fs.existsSync(pathOf(key))) return undefined
      try {
        if (!trusts(key)) return undefined
        const entry = load(key)
        if (typeof entry !== 'string') return entry
        onProblem(key, entry)
      } catch (error) {
        const code = asFields(error)?.['code']
        if (code !== 'ENOENT') onProblem(key, code === 'ELOOP' ? 'symlink' : 'disk')
      }
      return undefined
    },
  }
}
