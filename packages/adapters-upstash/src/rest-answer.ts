import { failure } from './failure.ts'
import { type Head, readHead } from './rest-head.ts'

/** The longest answer that is read, in bytes. */
const MAX_ANSWER = 16 * 1024 * 1024
/** The longest line that tells the length of a chunk, in bytes. */
const MAX_CHUNK_LINE = 256

/** An answer, read whole. */
export interface Answer {
  readonly status: number
  readonly text: string
  /** What the database wants to see again, so that a replica does not answer before it has heard of our writes. */
  readonly syncToken: string
  /** Whether no other request may follow on its connection. */
  readonly isLast: boolean
}

/** Takes what a connection gives; `undefined` stands for its end. Gives the answer once it is whole, throws when it is none. */
export type Reader = (piece: Buffer | undefined) => Answer | undefined

/** Makes what reads one answer of HTTP/1.1: only what a database's may be, and in bounds. */
export const answerReader = (): Reader => {
  const pieces: Buffer[] = []
  let received = 0
  /** With fewer bytes than that another look is in vain. */
  let wanted = 0
  let head: Head | undefined
  return (piece) => {
    const isOver = piece === undefined
    if (!isOver) pieces.push(piece)
    received += piece?.length ?? 0
    if (received > MAX_ANSWER) throw failure('AnswerTooLong', 'the answer is too long')
    if (!isOver && received < wanted) return undefined
    const bytes = pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces)
    pieces.splice(0, pieces.length, bytes)
    head ??= readHead(bytes)
    const body = head === undefined ? 0 : readBody(bytes, head, isOver)
    if (head !== undefined && typeof body !== 'number') {
      const { status, syncToken, keepAlive } = head
      // What comes behind an answer belongs to no request.
      return { status, text: body.text, syncToken, isLast: isOver || !keepAlive || body.end !== received }
    }
    if (isOver) throw failure('NetworkError', 'the answer broke off')
    wanted = Number(body)
    return undefined
  }
}

interface Body {
  readonly text: string
  readonly end: number
}

/** The body, or how many bytes there must be before another look. */
const readBody = (bytes: Buffer, { bodyAt, length, chunked }: Head, isOver: boolean): Body | number => {
  if (chunked) return readChunks(bytes, bodyAt)
  if (length === undefined && !isOver) return Number.POSITIVE_INFINITY
  const end = length === undefined ? bytes.length : bodyAt + length
  return bytes.length < end ? end : { text: bytes.toString('utf8', bodyAt, end), end }
}

const readChunks = (bytes: Buffer, start: number): Body | number => {
  const chunks: Buffer[] = []
  let at = start
  while (at < bytes.length) {
    const lineEnd = bytes.indexOf('\r\n', at, 'latin1')
    const line = bytes.toString('latin1', at, lineEnd < 0 ? bytes.length : lineEnd)
    const [, digits] = /^([0-9a-f]{1,8})[ \t]*(;|$)/i.exec(line) ?? []
    if (line.length > MAX_CHUNK_LINE || (lineEnd >= 0 && digits === undefined)) throw unreadableChunk()
    if (lineEnd < 0) break
    const [from, length] = [lineEnd + 2, Number.parseInt(digits ?? '', 16)]
    // Behind the last there may be headers, which nobody here asks for.
    const end = length === 0 ? bytes.indexOf('\r\n\r\n', lineEnd, 'latin1') + 4 : from + length + 2
    if (length === 0) return end < 4 ? 0 : { text: Buffer.concat(chunks).toString(), end }
    if (bytes.length < end) return end
    if (bytes.toString('latin1', end - 2, end) !== '\r\n') throw unreadableChunk()
    chunks.push(bytes.subarray(from, end - 2))
    at = end
  }
  return 0
}

const unreadableChunk = (): Error => failure('NetworkError', 'a chunk of the answer cannot be read')
