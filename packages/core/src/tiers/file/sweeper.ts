/** The most files that the folder keeps. Beyond, those that end first are removed. */
export const MAX_FILES = 1_000
/** The most bytes that they may take together: an eighth of the smallest `/tmp`. */
export const MAX_BYTES: number = 64 * 1_048_576
/** The share of a limit to which a sweep reduces what is above it, so that the next write does not exceed it again. */
const LOW_WATER = 0.9
/** The most entries of the folder that one sweep looks at. */
const MAX_LOOKED_AT = 5_000
/** After so many writes, or so many bytes, of this process the folder is swept again. */
const WRITES_BETWEEN = 256
const BYTES_BETWEEN = 8 * 1_048_576
/** A writer takes less than a millisecond. One whose file is older than this, in ms, was killed. */
const LEFT_OVER_AFTER = 60_000

/** The name of an entry: the hash of its key. Files with other names are not ours. */
const ENTRY = /^[0-9a-f]{40}\.json$/
/** The name under which a writer begins. */
const TEMPORARY = /^\.[0-9a-f-]{32,36}\.tmp$/

/** An entry in the folder. */
interface Kept {
  readonly path: string
  /** When it ends, by the wall clock of this machine. */
  readonly endsAt: number
  readonly size: number
}

/**
 * Keeps a folder small: called after each write with the wall clock and the bytes written, it now and then removes entries
 * that have ended, what killed writers left, and those that end first while there are too many. Throws when the folder
 * cannot be read.
 */
export function createSweeper(directory: string): (now: number, size: number) => void {
  const fs = process.getBuiltinModule('fs')
  let writes = WRITES_BETWEEN
  let bytes = 0

  const remove = (path: string): void => fs.rmSync(path, { force: true })

  /** The entries that have not ended. All others are removed on the way. */
  const lookAround = (now: number): Kept[] => {
    const kept: Kept[] = []
    const folder = fs.opendirSync(directory)
    try {
      for (let looked = 0; looked < MAX_LOOKED_AT; looked += 1) {
        const name = folder.readSync()?.name
        if (name === undefined) break
        const isEntry = ENTRY.test(name)
        if (!isEntry && !TEMPORARY.test(name)) continue
        const path = `${directory}/${name}`
        // Another worker may have removed it.
        const stat = fs.lstatSync(path, { throwIfNoEntry: false })
        if (!stat?.isFile()) continue
        const { mtimeMs, size } = stat
        if (mtimeMs + (isEntry ? 0 : LEFT_OVER_AFTER) < now) remove(path)
        else if (isEntry) kept.push({ path, endsAt: mtimeMs, size })
      }
    } finally {
      folder.closeSync()
    }
    return kept
  }

  return (now, size) => {
    writes += 1
    bytes += size
    if (writes <= WRITES_BETWEEN && bytes <= BYTES_BETWEEN) return
    writes = 0
    bytes = 0
    const kept = lookAround(now)
    const total = kept.reduce((sum, one) => sum + one.size, 0)
    if (kept.length <= MAX_FILES && total <= MAX_BYTES) return
    let [files, left] = [kept.length, total]
    for (const one of kept.sort((a, b) => a.endsAt - b.endsAt)) {
      if (files <= MAX_FILES * LOW_WATER && left <= MAX_BYTES * LOW_WATER) return
      remove(one.path)
      files -= 1
      left -= one.size
    }
  }
}
