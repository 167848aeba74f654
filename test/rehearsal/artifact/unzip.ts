import { inflateRawSync } from 'node:zlib'

const END = 0x06054b50
const ENTRY = 0x02014b50
const LOCAL = 0x04034b50
const END_BYTES = 22
const MAX_FILES = 2_000
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html: unzipped, layers included.
const MAX_BYTES = 250 * 1024 * 1024
const STORED = 0
const DEFLATED = 8

/**
 * Unpacks a zip, reading its directory as Lambda does. Written apart from what packs the artifacts, so that an error in
 * one is not hidden by the same error in the other.
 *
 * @throws Error when it is no zip, is too large, or names a file outside its own folder
 */
export function unzip(zip: Buffer): ReadonlyMap<string, Uint8Array> {
  const end = zip.length - END_BYTES
  if (end < 0 || zip.readUInt32LE(end) !== END) throw new Error('This is no zip, or one with a comment')
  const count = zip.readUInt16LE(end + 10)
  if (count > MAX_FILES) throw new Error(`The zip holds more than ${MAX_FILES} files`)
  const files = new Map<string, Uint8Array>()
  let at = zip.readUInt32LE(end + 16)
  let left = MAX_BYTES
  for (let index = 0; index < count; index += 1) {
    if (zip.readUInt32LE(at) !== ENTRY) throw new Error('The directory of the zip is broken')
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((offset) => zip.readUInt16LE(at + offset))
    const nameEnd = at + 46 + (nameBytes ?? 0)
    const name = zip.toString('utf8', at + 46, nameEnd)
    if (!isInside(name)) throw new Error(`The zip names ${JSON.stringify(name)}, which is outside its folder`)
    const contents = contentsAt(zip, at, left)
    left -= contents.length
    files.set(name, contents)
    at = nameEnd + (extraBytes ?? 0) + (commentBytes ?? 0)
  }
  return files
}

function isInside(name: string): boolean {
  return name !== '' && !name.startsWith('/') && !name.includes('\\') && !name.split('/').includes('..')
}

function contentsAt(zip: Buffer, entry: number, limit: number): Uint8Array {
  const method = zip.readUInt16LE(entry + 10)
  const packed = zip.readUInt32LE(entry + 20)
  const size = zip.readUInt32LE(entry + 24)
  const local = zip.readUInt32LE(entry + 42)
  if (size > limit) throw new Error(`The zip unpacks to more than ${MAX_BYTES} bytes`)
  if (zip.readUInt32LE(local) !== LOCAL) throw new Error('A file of the zip is not where its directory says')
  const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28)
  const bytes = zip.subarray(start, start + packed)
  if (method === STORED) return bytes
  if (method !== DEFLATED) throw new Error(`The zip uses the method ${method}, which Lambda does not take`)
  const contents = inflateRawSync(bytes, { maxOutputLength: size + 1 })
  if (contents.length !== size) throw new Error('A file of the zip is not as long as its directory says')
  return contents
}
