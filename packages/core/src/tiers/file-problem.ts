import { builtin } from '../builtin.ts'
import { asFields, asText, parseJson } from '../parse.ts'
import { type FileReader, MAX_FILE_SIZE } from './file.ts'

/** Why a file was not accepted or could not be written. */
export type FileProblem = 'folder' | 'symlink' | 'owner' | 'permissions' | 'size' | 'corrupt' | 'key' | 'disk'

/** Why the reader does not accept the file of a key; `undefined` when it does, and when there is none. */
export const problemOf = (reader: FileReader, key: string): FileProblem | undefined => {
  const fs = builtin('fs')
  const path = reader.pathOf(key)
  try {
    if (!fs.existsSync(path)) return undefined
    if (!reader.trusts()) return 'folder'
    const file = reader.open(path)
    try {
      const stat = fs.fstatSync(file)
      if (!stat.isFile()) return 'symlink'
      if (!reader.isOwn({ ...stat, mode: 0 })) return 'owner'
      if (!reader.isOwn(stat)) return 'permissions'
      if (stat.size > MAX_FILE_SIZE) return 'size'
      return problemIn(reader, fs.readFileSync(file, 'utf8'), key)
    } finally {
      fs.closeSync(file)
    }
  } catch (error) {
    const code = asFields(error)?.['code']
    if (code === 'ENOENT') return undefined
    return code === 'ELOOP' ? 'symlink' : 'disk'
  }
}

/** An entry that is good, but not for this key, is not the same as one that is spoiled. */
const problemIn = (reader: FileReader, text: string, key: string): FileProblem | undefined => {
  if (reader.parse(text, key) !== undefined) return undefined
  const other = asText(asFields(parseJson(text.slice(0, text.indexOf('\n'))))?.['key'], MAX_FILE_SIZE)
  return other !== undefined && reader.parse(text, other) !== undefined ? 'key' : 'corrupt'
}
