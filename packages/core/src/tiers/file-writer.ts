import { builtin } from '../builtin.ts'
import { type FileEntry, type FileReader, MAX_FILE_SIZE, machineTime, SCHEMA } from './file.ts'

const FILE_MODE = 0o600
const FOLDER_MODE = 0o700

/** The file tier: one small file a key in a private folder. Everything in it is synchronous. */
export interface FileTier extends Pick<FileReader, 'read'> {
  /** Writes the entry of the key, whole or not at all. */
  write(key: string, entry: FileEntry): void
  /** Removes the entry of the key. */
  remove(key: string): void
}

/** Makes the file tier of its reader: what a hit does not need is loaded with the slow path. */
export const createFileTier = ({ read, pathOf, trusts, directory, runtime, onProblem }: FileReader): FileTier => {
  const fs = builtin('fs')
  const { O_WRONLY, O_CREAT, O_EXCL } = fs.constants

  const removeQuietly = (path: string): void => {
    try {
      fs.unlinkSync(path)
    } catch {
      // Nothing there, or a disk that takes nothing: either way there is nothing more to do.
    }
  }

  return {
    read,
    write(key, entry) {
      let temporary: string | undefined
      try {
        fs.mkdirSync(directory, { recursive: true, mode: FOLDER_MODE })
        if (!trusts(key)) return
        const text = JSON.stringify({ schema: SCHEMA, key, ...entry, wall: runtime.wall(), monotonic: machineTime() })
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
    remove: (key) => removeQuietly(pathOf(key)),
  }
}
