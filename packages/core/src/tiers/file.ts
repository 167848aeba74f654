import { builtin } from '../builtin.ts'
import type { Entry, Json, Runtime } from '../contracts.ts'
import { parseLife } from '../life.ts'
import { asFields, asText, asTime, parseJson } from '../parse.ts'

/** The version of the file's form. */
const SCHEMA = 1
/** The largest file that is read, in bytes. */
export const MAX_FILE_SIZE: number = 1024 * 1024
const FILE_MODE = 0o600
const FOLDER_MODE = 0o700
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

/** The file tier: one small file a key in a private folder. Everything in it is synchronous. */
export interface FileTier {
  /** The entry of the key, `undefined` when there is none. */
  read(key: string): FileEntry | undefined
  /** Writes the entry of the key, whole or not at all. */
  write(key: string, entry: FileEntry): void
  /** Removes the entry of the key. */
  remove(key: string): void
}

/** How the file tier is made. */
export interface FileTierOptions {
  /** The folder, made with mode 0700 when it is missing. Must belong to this user. */
  readonly directory: string
  readonly runtime: Pick<Runtime, 'wall' | 'unique'>
  /** Told of every problem; a problem is never thrown. */
  onProblem(key: string, problem: FileProblem): void
}

/**
 * Makes the file tier. The runtime's native client can starve the thread pool of Node, and promises cost ten times the
 * read itself, so it reads and writes small files synchronously (10–70 µs).
 */
export const createFileTier = ({ directory, runtime, onProblem }: FileTierOptions): FileTier => {
  let folderState: 'unknown' | 'good' | 'bad' = 'unknown'
  const fs = builtin('fs')
  const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK } = fs.constants
  const user = process.getuid?.()

  const monotonic = (): number => {
    // CLOCK_MONOTONIC of the machine, so that a new process in the same environment can count on from it.
    const [seconds, nanoseconds] = process.hrtime()
    return seconds * 1_000 + nanoseconds / 1e6
  }

  // The key ends in a hash; only that part names the file, so no input of a user reaches the file system.
  const pathOf = (key: string): string => `${directory}/${key.slice(key.lastIndexOf('~') + 1)}.json`

  /** A folder that somebody else can write to is not used at all. */
  const folderIsGood = (key: string, make: boolean): boolean => {
    if (folderState !== 'unknown') return folderState === 'good'
    if (!make && !fs.existsSync(directory)) return false
    fs.mkdirSync(directory, { recursive: true, mode: FOLDER_MODE })
    const stat = fs.lstatSync(directory)
    const good = stat.isDirectory() && (user === undefined || stat.uid === user) && (stat.mode & OTHERS_WRITE) === 0
    folderState = good ? 'good' : 'bad'
    if (!good) onProblem(key, 'folder')
    return good
  }

  const load = (path: string, key: string): FileEntry | FileProblem => {
    // Without O_NONBLOCK a pipe in the place of the file would hold the whole environment.
    const file = fs.openSync(path, O_RDONLY | (O_NOFOLLOW ?? 0) | (O_NONBLOCK ?? 0))
    try {
      const stat = fs.fstatSync(file)
      if (!stat.isFile()) return 'symlink'
      if (user !== undefined && stat.uid !== user) return 'owner'
      if ((stat.mode & OTHERS_WRITE) !== 0) return 'permissions'
      if (stat.size > MAX_FILE_SIZE) return 'size'
      return parse(fs.readFileSync(file, 'utf8'), key)
    } finally {
      fs.closeSync(file)
    }
  }

  const parse = (text: string, key: string): FileEntry | FileProblem => {
    const fields = asFields(parseJson(text))
    const life = fields && parseLife(fields)
    const sealed = asText(fields?.['sealed'], MAX_FILE_SIZE)
    const earliest = asTime(fields?.['earliest'])
    const latest = asTime(fields?.['latest'])
    const wall = asTime(fields?.['wall'])
    const clock = asTime(fields?.['monotonic'])
    if (fields?.['schema'] !== SCHEMA || life === undefined || sealed === undefined) return 'corrupt'
    if (earliest === undefined || latest === undefined || wall === undefined || clock === undefined) return 'corrupt'
    if (fields['key'] !== key) return 'key'
    // Elapsed since the write, as two bounds, for the same reasons as in engine/clock.ts. A monotonic clock that has
    // gone back means a new boot: then only the wall clock is left, and if that has gone back too, nothing is known.
    const byWall = runtime.wall() - wall
    const byMonotonic = monotonic() - clock
    const rebooted = byMonotonic < 0
    if (rebooted && byWall < 0) return 'corrupt'
    const fast = rebooted ? byWall : Math.max(byWall, byMonotonic)
    const slow = rebooted ? byWall : Math.max(0, Math.min(byWall, byMonotonic))
    const observed = fields['observed'] === true
    return { sealed, ...life, earliest: earliest + slow, latest: latest + fast, observed }
  }

  return {
    read(key) {
      const path = pathOf(key)
      // Asking first is six times cheaper than a thrown ENOENT, and most cold environments have no file.
      if (!fs.existsSync(path)) return undefined
      try {
        if (!folderIsGood(key, false)) return undefined
        const entry = load(path, key)
        if (typeof entry !== 'string') return entry
        onProblem(key, entry)
      } catch (error) {
        if (codeOf(error) !== 'ENOENT') onProblem(key, codeOf(error) === 'ELOOP' ? 'symlink' : 'disk')
      }
      return undefined
    },

    write(key, entry) {
      let temporary: string | undefined
      try {
        if (!folderIsGood(key, true)) return
        const text = JSON.stringify({ schema: SCHEMA, key, ...entry, wall: runtime.wall(), monotonic: monotonic() })
        if (text.length > MAX_FILE_SIZE) return onProblem(key, 'size')
        // Worker threads share a process id, so only a random name is free.
        const fresh = `${directory}/.${runtime.unique()}.tmp`
        const file = fs.openSync(fresh, O_WRONLY | O_CREAT | O_EXCL, FILE_MODE)
        temporary = fresh
        try {
          fs.writeFileSync(file, text)
        } finally {
          fs.closeSync(file)
        }
        // ext4 flushes to disk when a rename replaces a file (1.1 ms); a name that is free costs a twentieth.
        fs.rmSync(pathOf(key), { force: true, recursive: false })
        fs.renameSync(temporary, pathOf(key))
      } catch {
        onProblem(key, 'disk')
        if (temporary !== undefined) removeQuietly(temporary)
      }
    },

    remove(key) {
      removeQuietly(pathOf(key))
    },
  }

  function removeQuietly(path: string): void {
    try {
      fs.unlinkSync(path)
    } catch {
      // Nothing there, or a disk that takes nothing: either way there is nothing more to do.
    }
  }
}

const codeOf = (error: unknown): unknown => asFields(error)?.['code']
