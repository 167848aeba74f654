import { asFields } from '../../lib/parse.ts'
import { type FileHead, MAX_FILE_SIZE } from './format.ts'
import type { FileReader } from './reader.ts'

/** Why a file was not accepted or could not be written. */
export type FileProblem = 'folder' | 'symlink' | 'owner' | 'permissions' | 'size' | 'corrupt' | 'key' | 'disk'

/** Why the reader does not accept the file of a key; `undefined` when it does, and when there is none. */
export function problemOf(reader: FileReader, key: string): FileProblem | undefined {
  const fs = process.getBuiltinModule('fs')
  const path = reader.pathOf(key)
  try {
    const stat = fs.lstatSync(path, { throwIfNoEntry: false })
    if (stat === undefined) return undefined
    if (!reader.trusts()) return 'folder'
    if (!stat.isFile()) return 'symlink'
    if (!reader.isOwn({ ...stat, mode: 0 })) return 'owner'
    if (!reader.isOwn(stat)) return 'permissions'
    if (stat.size > MAX_FILE_SIZE) return 'size'
    const text = reader.textOf(path)
    return text === undefined ? 'corrupt' : problemIn(reader, text, key)
  } catch (error) {
    return isMissing(asFields(error)?.['code']) ? undefined : 'disk'
  }
}

/** Nothing is there, not even the folder, or something that is no folder: the writer reports that. */
function isMissing(code: unknown): boolean {
  return code === 'ENOENT' || code === 'ENOTDIR'
}

/** Tells a valid entry for another key from a corrupt one. */
function problemIn(reader: FileReader, text: string, key: string): FileProblem | undefined {
  try {
    if (reader.parse(text, key) !== undefined) return undefined
    const [, other] = JSON.parse(text.slice(0, text.indexOf('\n'))) as Partial<FileHead>
    return other !== undefined && reader.parse(text, other) !== undefined ? 'key' : 'corrupt'
  } catch {
    return 'corrupt'
  }
}
