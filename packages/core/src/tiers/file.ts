import type { Stats } from 'node:fs'
import type { Entry, Json, Runtime } from '../contracts.ts'
import { parseLife } from '../life.ts'
import { asFields, parseJson } from '../parse.ts'

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

/** Where the file tier is, and its clock. */
export interface FileTierOptions {
  /** The folder, made with mode 0700 when it is missing. Must belong to this user. */
  readonly directory: string
  readonly runtime: Pick<Runtime, 'wall'>
}

/**
 * The half of the file tier that a hit needs. Everything in it is synchronous. What is not in order is as good as not
 * there; why is found out by `problemOf`, which is loaded with the slow path.
 */
export interface FileReader {
  readonly directory: string
  /** The entry of the key, `undefined` when there is none that may be used. Never throws. */
  read(key: string): FileEntry | undefined
  /** Where the entry of the key lies. */
  pathOf(key: string): string
  /** Opens a file for reading, but no link. */
  open(path: string): number
  /** Whether a file or folder belongs to this user and nobody else can change it. */
  isOwn(stat: Pick<Stats, 'uid' | 'mode'>): boolean
  /** Whether the folder, which must be there, may be used: one that somebody else can write to is not. */
  trusts(): boolean
  /** The entry of the key in the text of a file. */
  parse(text: string, key: string): FileEntry | undefined
}

/** CLOCK_MONOTONIC of the machine in ms, so that a new process in the same environment can count on from it. */
export const machineTime = (): number => Number(process.hrtime.bigint()) / 1e6

/**
 * Makes the reader. The runtime's native client can starve the thread pool of Node, and promises cost ten times the
 * read itself, so small files are read and written synchronously (10–70 µs).
 */
export const createFileReader = ({ directory, runtime }: FileTierOptions): FileReader => {
  // As an import it costs 4 ms of a cold start, see builtin.ts.
  const fs = process.getBuiltinModule('fs')
  const { O_NOFOLLOW, O_NONBLOCK } = fs.constants
  let trusted: boolean | undefined

  // The key ends in a hash; only that part names the file, so no input of a user reaches the file system.
  const pathOf = (key: string): string => `${directory}/${key.slice(key.lastIndexOf('~') + 1)}.json`

  // Without O_NONBLOCK a pipe in the place of the file would hold the whole environment. O_RDONLY is 0.
  const open = (path: string): number => fs.openSync(path, O_NOFOLLOW | O_NONBLOCK)

  // Where there are no users, every file has the owner 0.
  const isOwn: FileReader['isOwn'] = ({ uid, mode }) => uid === (process.getuid?.() ?? 0) && (mode & OTHERS_WRITE) === 0

  const trusts = (): boolean => {
    if (trusted === undefined) {
      const stat = fs.lstatSync(directory)
      trusted = stat.isDirectory() && isOwn(stat)
    }
    return trusted
  }

  const load = (key: string): FileEntry | undefined => {
    const file = open(pathOf(key))
    try {
      const stat = fs.fstatSync(file)
      const { size } = stat
      if (!stat.isFile() || !isOwn(stat) || size > MAX_FILE_SIZE) return undefined
      // Half the price of `readFileSync`, which asks for the size again.
      const bytes = Buffer.allocUnsafe(size)
      return parse(bytes.toString('utf8', 0, fs.readSync(file, bytes)), key)
    } finally {
      fs.closeSync(file)
    }
  }

  const parse = (text: string, key: string): FileEntry | undefined => {
    // The sealed value stands in a line of its own: as JSON in JSON it would be escaped and parsed twice.
    const end = text.indexOf('\n')
    const fields = asFields(parseJson(text.slice(0, end))) ?? {}
    const found = parseLife(fields, 'earliest', 'latest', 'wall', 'monotonic')
    const sealed = text.slice(end + 1)
    const isWhole = end > 0 && sealed.length === fields['length']
    if (fields['schema'] !== SCHEMA || fields['key'] !== key || found === undefined || !isWhole) return undefined
    // Elapsed since the write, as two bounds, for the same reasons as in engine/clock.ts. A monotonic clock that has
    // gone back means a new boot: then only the wall clock is left, and if that has gone back too, nothing is known.
    const { wall, monotonic, earliest, latest, ...life } = found
    const byWall = runtime.wall() - wall
    const byMonotonic = machineTime() - monotonic
    const slow = byMonotonic < 0 ? byWall : Math.min(byWall, byMonotonic)
    const fast = Math.max(byWall, byMonotonic)
    if (fast < 0) return undefined
    const observed = fields['observed'] === true
    return { ...life, sealed, earliest: earliest + Math.max(0, slow), latest: latest + fast, observed }
  }

  return {
    directory,
    pathOf,
    open,
    isOwn,
    trusts,
    parse,
    read(key) {
      try {
        // Asking first is six times cheaper than a thrown ENOENT, and most cold environments have no file.
        if (fs.existsSync(pathOf(key)) && trusts()) return load(key)
      } catch {
        // See above: `problemOf` tells.
      }
      return undefined
    },
  }
}
