import { type Zippable, zipSync } from 'fflate'

// The first day a zip can name. Its fields are read in local time, so the bytes are the same in every time zone.
const NO_TIME = new Date(1980, 0, 1)
const UNIX = 3
const READABLE_FILE = 0o100644

/**
 * Packs files into a zip whose bytes depend on names and contents alone, so that an unchanged function is not uploaded
 * again.
 */
export function zip(files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const sorted = [...files].toSorted(([one], [other]) => (one < other ? -1 : 1))
  const entries: Zippable = Object.fromEntries(
    sorted.map(([name, contents]) => [
      name,
      [contents, { mtime: NO_TIME, level: 9, os: UNIX, attrs: READABLE_FILE << 16 }],
    ]),
  )
  return zipSync(entries)
}
