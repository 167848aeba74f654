import { unreadable } from './failure.ts'
import { checkAside, type Head, MAX_HEAD } from './head.ts'

/** The longest line that tells the length of a chunk, in bytes. */
const MAX_CHUNK_LINE = 256
/** No blank behind the length, and extensions that have a name: Node reads no others either. */
const CHUNK_LINE = /^([0-9a-f]{1,8})(;[!#$%&'*+.^_`|~\w-]+(=[!#$%&'*+.^_`|~\w-]+)?)*$/i

/** How far a body was read. */
export interface Progress {
  /** How many of the bytes are read and no longer needed. */
  readonly used: number
  /** Below so many bytes another look is in vain. */
  readonly wanted: number
  /** The body, once it is whole. */
  readonly text?: string
}

/** Reads on, in the bytes that were not used yet. */
export type Body = (bytes: Buffer, isOver: boolean) => Progress

/** Makes what reads the body of an answer with this head. */
export function bodyOf({ length, chunked }: Head): Body {
  if (chunked) return inChunks()
  if (length !== undefined) {
    return (bytes) =>
      bytes.length < length
        ? { used: 0, wanted: length }
        : { used: length, wanted: 0, text: bytes.toString('utf8', 0, length) }
  }
  return (bytes, isOver) =>
    isOver ? { used: bytes.length, wanted: 0, text: bytes.toString() } : { used: 0, wanted: Number.POSITIVE_INFINITY }
}

function inChunks(): Body {
  // Grows by doubling, for a server may give a byte at a time.
  let content = Buffer.alloc(0)
  let length = 0
  const add = (chunk: Buffer): void => {
    if (length + chunk.length > content.length) {
      const larger = Buffer.allocUnsafe(Math.max(content.length * 2, length + chunk.length))
      content.copy(larger, 0, 0, length)
      content = larger
    }
    length += chunk.copy(content, length)
  }
  return (bytes) => {
    let at = 0
    for (;;) {
      const line = readLine(bytes, at)
      if (line === undefined) return { used: at, wanted: bytes.length - at + 1 }
      if (line.length === 0) {
        const end = endOfTrailer(bytes, line.contentAt)
        if (end === undefined) return { used: at, wanted: bytes.length - at + 1 }
        return { used: end, wanted: 0, text: content.toString('utf8', 0, length) }
      }
      const end = line.contentAt + line.length
      if (bytes.length < end + 2) return { used: at, wanted: end + 2 - at }
      if (bytes.toString('latin1', end, end + 2) !== '\r\n')
        throw unreadable('a chunk of the answer has another length')
      add(bytes.subarray(line.contentAt, end))
      at = end + 2
    }
  }
}

/** The line before a chunk: how long the chunk is and where it begins. `undefined` while it is not there. */
function readLine(bytes: Buffer, at: number): { readonly contentAt: number; readonly length: number } | undefined {
  const end = bytes.subarray(at, at + MAX_CHUNK_LINE).indexOf('\r\n', 0, 'latin1')
  if (end < 0 && bytes.length - at < MAX_CHUNK_LINE) return undefined
  const [, digits] = end < 0 ? [] : (CHUNK_LINE.exec(bytes.toString('latin1', at, at + end)) ?? [])
  if (digits === undefined) throw unreadable('the length of a chunk of the answer cannot be read')
  return { contentAt: at + end + 2, length: Number.parseInt(digits, 16) }
}

/** Where the answer ends: behind the last chunk there may be headers, which nobody here asks for. */
function endOfTrailer(bytes: Buffer, at: number): number | undefined {
  if (bytes.toString('latin1', at, at + 2) === '\r\n') return at + 2
  const end = bytes.indexOf('\r\n\r\n', at, 'latin1')
  if ((end < 0 ? bytes.length : end) - at > MAX_HEAD) throw unreadable('the trailer of the answer is too long')
  if (end < 0) return undefined
  checkAside(bytes.toString('latin1', at, end).split('\r\n'))
  return end + 4
}
