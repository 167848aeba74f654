import type { Runtime } from '../../contracts.ts'
import { machineTime } from '../../lib/clocks.ts'
import { type FileProblem, problemOf } from './diagnose.ts'
import { type FileHead, MAX_FILE_SIZE, SCHEMA, SUM_SIZE } from './format.ts'
import { checksum, type FileEntry, type FileReader } from './reader.ts'
import { createSweeper } from './sweeper.ts'

const FILE_MODE = 0o600
const FOLDER_MODE = 0o700

/** The file tier: one small file a key in a private folder. Everything in it is synchronous. */
export interface FileTier {
  /** The entry of the key; says why one that is there is not accepted. */
  read(key: string): FileEntry | undefined
  /** Writes the entry of the key, whole or not at all. */
  write(key: string, entry: FileEntry): void
  /** Removes the entry of the key. */
  remove(key: string): void
}

/** How the file tier is made. */
export interface FileWriterOptions {
  readonly runtime: Pick<Runtime, 'wall' | 'unique'>
  /** Told of every problem; a problem is never thrown. */
  onProblem(key: string, problem: FileProblem): void
}

/** Makes the file tier of its reader: what a hit does not need is loaded with the miss path. */
export function createFileTier(reader: FileReader, { runtime, onProblem }: FileWriterOptions): FileTier {
  const { pathOf, trusts, directory } = reader
  let toldOfFolder = false
  const sweep = createSweeper(directory)
  const fs = process.getBuiltinModule('fs')
  const { O_WRONLY, O_CREAT, O_EXCL } = fs.constants

  const removeQuietly = (path: string): void => {
    try {
      fs.unlinkSync(path)
    } catch {
      // Nothing there, or a disk that takes nothing: either way there is nothing more to do.
    }
  }

  const tell = (key: string, problem: FileProblem): void => {
    // A folder that is not trusted is not looked at again.
    if (problem === 'folder' && toldOfFolder) return
    toldOfFolder ||= problem === 'folder'
    onProblem(key, problem)
  }

  const headOf = (key: string, { lifetime, sealed, earliest, latest, observed }: FileEntry): FileHead => {
    const { version, issuedAt, softExpiry, hardExpiry, fingerprint } = lifetime
    const clocks = [runtime.wall(), machineTime()] as const
    const instants = [version, issuedAt, softExpiry, hardExpiry, earliest, latest, ...clocks] as const
    return [SCHEMA, key, fingerprint, observed, sealed.length, ...instants]
  }

  return {
    read(key) {
      const entry = reader.read(key)
      const problem = entry === undefined ? problemOf(reader, key) : undefined
      if (problem !== undefined) tell(key, problem)
      return entry
    },
    write(key, entry) {
      let temporary: string | undefined
      try {
        if (!fs.existsSync(directory)) fs.mkdirSync(directory, { recursive: true, mode: FOLDER_MODE })
        // Someone may have changed it since the last write.
        if (!trusts(true)) return tell(key, 'folder')
        const bytes = bytesOf(`${JSON.stringify(headOf(key, entry))}\n${entry.sealed}`)
        if (bytes.length > MAX_FILE_SIZE) return onProblem(key, 'size')
        // Worker threads share a process id, so only a random name is free.
        const fresh = `${directory}/.${runtime.unique()}.tmp`
        const file = fs.openSync(fresh, O_WRONLY | O_CREAT | O_EXCL, FILE_MODE)
        temporary = fresh
        try {
          fs.writeFileSync(file, bytes)
          // The sweeper sees by this when the entry ends, without reading the file.
          const endsAt = (runtime.wall() + entry.lifetime.hardExpiry - entry.latest) / 1_000
          fs.futimesSync(file, endsAt, endsAt)
        } finally {
          fs.closeSync(file)
        }
        // ext4 flushes to disk when a rename replaces a file (1.1 ms); a name that is free costs a twentieth.
        removeQuietly(pathOf(key))
        fs.renameSync(temporary, pathOf(key))
        sweep(runtime.wall(), bytes.length)
      } catch {
        onProblem(key, 'disk')
        if (temporary !== undefined) removeQuietly(temporary)
      }
    },
    remove: (key) => removeQuietly(pathOf(key)),
  }
}

/** What is written into a file: the checksum, then the text. */
function bytesOf(text: string): Buffer {
  const bytes = Buffer.allocUnsafeSlow(SUM_SIZE + Buffer.byteLength(text))
  bytes.write(text, SUM_SIZE)
  bytes.write(checksum(bytes, bytes.length), 0, 'latin1')
  return bytes
}
