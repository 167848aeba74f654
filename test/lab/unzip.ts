import { inflateRawSync } from 'node:zlib'

const END = 0x06054b50
const ENTRY = 0x02014b50
const END_SIZE = 22
const ENTRY_SIZE = 46
const LOCAL_SIZE = 30
const STORED = 0
const DEFLATED = 8

/** Gives the files of a deployment artifact, as Lambda unpacks it. Throws when it is no zip, or packed in another way. */
export function unzip(zip: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const bytes = Buffer.from(zip.buffer, zip.byteOffset, zip.byteLength)
  let end = bytes.length - END_SIZE
  while (end >= 0 && bytes.readUInt32LE(end) !== END) end -= 1
  if (end < 0) throw new Error('this is no zip file')
  const files = new Map<string, Uint8Array>()
  let at = bytes.readUInt32LE(end + 16)
  for (let left = bytes.readUInt16LE(end + 10); left > 0; left -= 1) {
    if (bytes.readUInt32LE(at) !== ENTRY) throw new Error('the zip file is damaged')
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((offset) => bytes.readUInt16LE(at + offset))
    const name = bytes.toString('utf8', at + ENTRY_SIZE, at + ENTRY_SIZE + (nameLength ?? 0))
    if (!name.endsWith('/')) files.set(checkName(name), contentsOf(bytes, at))
    at += ENTRY_SIZE + (nameLength ?? 0) + (extraLength ?? 0) + (commentLength ?? 0)
  }
  return files
}

function contentsOf(bytes: Buffer, entry: number): Uint8Array {
  const method = bytes.readUInt16LE(entry + 10)
  const size = bytes.readUInt32LE(entry + 20)
  const local = bytes.readUInt32LE(entry + 42)
  const start = local + LOCAL_SIZE + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28)
  const packed = bytes.subarray(start, start + size)
  if (method === STORED) return packed
  if (method === DEFLATED) return inflateRawSync(packed)
  throw new Error(`the zip file uses method ${method}`)
}

function checkName(name: string): string {
  if (name.startsWith('/') || name.split('/').includes('..')) throw new Error('the zip file names a place outside')
  return name
}
