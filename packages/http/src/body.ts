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
export const bodyOf = ({ length, chunked }: Head): Body => {
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

const inChunks = (): Body => {
  const parts: Buffer[] = []
  return (bytes) => {
    const chunks: Buffer[] = []
    let at = 0
    for (;;) {
      const { contentAt, length } = readLine(bytes, at) ?? {}
      if (contentAt === undefined || length === undefined) return after(bytes.length - at + 1)
      if (length === 0) {
        const end = endOfTrailer(bytes, contentAt)
        if (end === undefined) return after(bytes.length - at + 1)
        return { used: end, wanted: 0, text: Buffer.concat([...parts, ...chunks]).toString() }
      }
      const end = contentAt + length
      if (bytes.length < end + 2) return after(end + 2 - at)
      if (bytes.toString('latin1', end, end + 2) !== '\r\n')
        throw unreadable('a chunk of the answer has another length')
      chunks.push(bytes.subarray(contentAt, end))
      at = end + 2
    }
    // Copied once for each look, so that chunks of a byte do not keep an object each.
    function after(wanted: number): Progress {
      if (chunks.length > 0) parts.push(Buffer.concat(chunks))
      return { used: at, wanted }
    }
  }
}

/** The line before a chunk: how long the chunk is and where it begins. `undefined` while it is not there. */
const readLine = (bytes: Buffer, at: number): { readonly contentAt: number; readonly length: number } | undefined => {
  const end = bytes.subarray(at, at + MAX_CHUNK_LINE).indexOf('\r\n', 0, 'latin1')
  if (end < 0 && bytes.length - at < MAX_CHUNK_LINE) return undefined
  const [, digits] = end < 0 ? [] : (CHUNK_LINE.exec(bytes.toString('latin1', at, at + end)) ?? [])
  if (digits === undefined) throw unreadable('the length of a chunk of the answer cannot be read')
  return { contentAt: at + end + 2, length: Number.parseInt(digits, 16) }
}

/** Where the answer ends: behind the last chunk there may be headers, which nobody here asks for. */
const endOfTrailer = (bytes: Buffer, at: number): number | undefined => {
  if (bytes.toString('latin1', at, at + 2) === '\r\n') return at + 2
  const end = bytes.indexOf('\r\n\r\n', at, 'latin1')
  if ((end < 0 ? bytes.length : end) - at > MAX_HEAD) throw unreadable('the trailer of the answer is too long')
  if (end < 0) return undefined
  checkAside(bytes.toString('latin1', at, end).split('\r\n'))
  return end + 4
}
