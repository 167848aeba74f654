import type { Stats } from 'node:fs'
import type { Entry, Runtime } from '../../contracts.ts'
import { machineTime } from '../../lib/clocks.ts'
import { isTime } from '../../lib/parse.ts'
import { type Instants, MAX_FILE_SIZE, OTHERS_WRITE, SCHEMA, SUM_SIZE } from './format.ts'

/** What is read at once, in bytes. Nearly every token fits; a longer file takes a second look. */
const BUFFER_SIZE = 16_384

/** An entry as a file holds it, sealed, with the time on the server as this machine knew it when it was written. */
export interface FileEntry {
  readonly lifetime: Omit<Entry<unknown>, 'value'>
  /** The value as the codec sealed it. */
  readonly sealed: string
  /** The time on the server now, at least. */
  readonly earliest: number
  /** The time on the server now, at most. */
  readonly latest: number
  /** Whether that time came from a server, and not from this machine's wall clock. */
  readonly observed: boolean
}

function areInstants(list: readonly unknown[]): list is Instants {
  return list.length === 8 && list.every(isTime)
}

/**
 * The half of the file tier that a hit needs. Everything in it is synchronous. What is not in order is as good as not
 * there; why is found out by `problemOf`, which is loaded with the miss path.
 */
export interface FileReader {
  readonly directory: string
  /** The entry of the key, `undefined` when there is none that may be used. Never throws. */
  read(key: string): FileEntry | undefined
  /** Where the entry of the key lies. */
  pathOf(key: string): string
  /** Whether a file or folder belongs to this user and nobody else can change it. */
  isOwn(stat: Pick<Stats, 'uid' | 'mode'>): boolean
  /** Whether the folder, which must be there, may be used: one that someone else can write to is not. `again`: looks again. */
  trusts(again?: boolean): boolean
  /** The text of a file without its checksum; `undefined` when that is wrong. Throws when it cannot be read. */
  textOf(path: string): string | undefined
  /** The entry of the key in the text of a file. Throws when it does not have the form of one. */
  parse(text: string, key: string): FileEntry | undefined
}

/**
 * The checksum of a file's bytes after `SUM_SIZE`, as it is written in front of them: Fletcher's, over words of 32 bits, which
 * takes 0.2 µs for 2 KB; byte by byte in JavaScript it is 2 µs, and loading zlib for its CRC takes 2 ms. Every flipped bit
 * changes it. `bytes` begin at a multiple of four in their memory.
 */
export function checksum(bytes: Buffer, end: number): string {
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, end >> 2)
  let sum = 0
  let sums = 0
  for (let at = SUM_SIZE / 4; at < words.length; at += 1) {
    sum = (sum + (words[at] ?? 0)) | 0
    sums = (sums + sum) | 0
  }
  for (let at = words.length * 4; at < end; at += 1) {
    sum = (sum + (bytes[at] ?? 0)) | 0
    sums = (sums + sum) | 0
  }
  // Each word then counts an odd number of times, so no flipped bit can vanish at the top.
  return `${(2 * sums + sum) >>> 0}\n`.padStart(SUM_SIZE, '0')
}

/**
 * Makes the reader of a folder, which is made with mode 0700 when it is missing and must belong to this user. The runtime's
 * native client can starve the thread pool of Node, and promises cost ten times the read itself, so small files are read and
 * written synchronously (10–70 µs).
 */
export function createFileReader(directory: string, runtime: Pick<Runtime, 'wall'>): FileReader {
  // As an import it costs 4 ms of a cold start, see builtin.ts.
  const fs = process.getBuiltinModule('fs')
  let trusted: boolean | undefined

  // The key ends in a hash; only that part names the file, so no input of a user reaches the file system.
  const pathOf = (key: string): string => `${directory}/${key.split('~').at(-1)}.json`

  // Where there are no users, every file has the owner 0. Asked here and not before: Deno throws without `--allow-sys`.
  const isOwn: FileReader['isOwn'] = ({ uid, mode }) => uid === (process.getuid?.() ?? 0) && !(mode & OTHERS_WRITE)

  const isOwnFolder = (stat: Stats): boolean => stat.isDirectory() && isOwn(stat)
  const trusts: FileReader['trusts'] = (again) => {
    if (again) trusted = undefined
    trusted ??= isOwnFolder(fs.lstatSync(directory))
    return trusted
  }

  let buffer: Buffer | undefined
  const textOf: FileReader['textOf'] = (path) => {
    buffer ??= Buffer.allocUnsafeSlow(BUFFER_SIZE)
    let bytes = buffer
    const file = fs.openSync(path, 'r')
    try {
      let size = fs.readSync(file, bytes, 0, BUFFER_SIZE, 0)
      if (size === BUFFER_SIZE) {
        bytes = Buffer.allocUnsafeSlow(MAX_FILE_SIZE)
        size = fs.readSync(file, bytes, 0, MAX_FILE_SIZE, 0)
      }
      const isWhole = bytes.toString('latin1', 0, SUM_SIZE) === checksum(bytes, size)
      return isWhole ? bytes.toString('utf8', SUM_SIZE, size) : undefined
    } finally {
      fs.closeSync(file)
    }
  }

  const parse: FileReader['parse'] = (text, key) => {
    const end = text.indexOf('\n')
    const sealed = text.slice(end + 1)
    const [schema, owner, fingerprint, observed, length, ...rest] = JSON.parse(text.slice(0, end)) as readonly unknown[]
    if (schema !== SCHEMA || owner !== key || length !== sealed.length) return undefined
    if (typeof fingerprint !== 'string' || !areInstants(rest)) return undefined
    const [version, issuedAt, softExpiry, hardExpiry, earliest, latest, wall, monotonic] = rest
    // Elapsed since the write, as two bounds, for the same reasons as in engine/time/clock.ts. A monotonic clock that has
    // gone back means a new boot: then only the wall clock is left, and if that has gone back too, nothing is known.
    const byWall = runtime.wall() - wall
    const byMonotonic = machineTime() - monotonic
    const slow = Math.max(0, byMonotonic < 0 ? byWall : Math.min(byWall, byMonotonic))
    const fast = Math.max(byWall, byMonotonic)
    if (fast < 0 || softExpiry > hardExpiry) return undefined
    return {
      lifetime: { version, issuedAt, softExpiry, hardExpiry, fingerprint },
      sealed,
      earliest: earliest + slow,
      latest: latest + fast,
      observed: observed === true,
    }
  }

  return {
    directory,
    pathOf,
    isOwn,
    trusts,
    textOf,
    parse,
    read(key) {
      const path = pathOf(key)
      try {
        // Asking first is six times cheaper than a thrown ENOENT, and most cold environments have no file. In a folder
        // that only this user can write to, nobody puts another file in its place before it is read.
        const stat = fs.lstatSync(path, { throwIfNoEntry: false })
        if (stat?.isFile() && isOwn(stat) && stat.size <= MAX_FILE_SIZE && trusts()) {
          const text = textOf(path)
          return text === undefined ? undefined : parse(text, key)
        }
      } catch {
        // See above: `problemOf` tells.
      }
      return undefined
    },
  }
}
