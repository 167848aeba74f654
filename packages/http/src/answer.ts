import { type Body, bodyOf } from './body.ts'
import { failure } from './failure.ts'
import { type Head, headReader } from './head.ts'

/** An answer, read whole. */
export interface Answer {
  /** Its status, 200 or above. */
  readonly status: number
  /** Its body, read as UTF-8. */
  readonly text: string
  /** The headers that are wanted, as far as they came, by their names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** Whether no other request may follow on its connection. */
  readonly isLast: boolean
}

/** Takes what a connection gives; `undefined` stands for its end. Gives the answer once it is whole, throws when it is none. */
export type Reader = (piece: Buffer | undefined) => Answer | undefined

/** Makes what reads one answer of HTTP/1.1, of so many bytes at most, and keeps the headers that are wanted. */
export function answerReader(maxAnswer: number, names: readonly string[]): Reader {
  const unread: Buffer[] = []
  let [received, held, wanted] = [0, 0, 0]
  const readHead = headReader(names)
  let head: Head | undefined
  let body: Body | undefined
  /** What is not used yet, in one piece. */
  const take = (): Buffer => {
    const [bytes = Buffer.alloc(0)] = unread.length > 1 ? [Buffer.concat(unread)] : unread
    return bytes
  }
  const keep = (bytes: Buffer, more: number): void => {
    unread.splice(0, unread.length, bytes)
    held = bytes.length
    wanted = more
    // Told or received: what is too long is too long.
    if (received - held + more > maxAnswer && more < Number.POSITIVE_INFINITY) throw tooLong()
  }

  return (piece) => {
    const isOver = piece === undefined
    if (!isOver) unread.push(piece)
    received += piece?.length ?? 0
    held += piece?.length ?? 0
    if (received > maxAnswer) throw tooLong()
    if (!isOver && held < wanted) return undefined
    let bytes = take()
    if (head === undefined || body === undefined) {
      head = readHead(bytes)
      if (head === undefined) {
        if (isOver) throw brokenOff()
        return void keep(bytes, held + 1)
      }
      body = bodyOf(head)
      bytes = bytes.subarray(head.bodyAt)
    }
    const { used, wanted: more, text } = body(bytes, isOver)
    if (text !== undefined) {
      const { status, headers, keepAlive } = head
      // What comes behind an answer belongs to no request.
      return { status, text, headers, isLast: isOver || !keepAlive || used !== bytes.length }
    }
    if (isOver) throw brokenOff()
    return void keep(bytes.subarray(used), more)
  }
}

function tooLong(): Error {
  return failure('AnswerTooLong', 'the answer is too long')
}
function brokenOff(): Error {
  return failure('AnswerBroken', 'the answer broke off')
}
