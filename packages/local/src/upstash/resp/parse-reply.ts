import type { Reply } from '../reply.ts'

/** A reply and where the next one begins. */
export interface ParsedReply {
  readonly reply: Reply
  readonly next: number
}

/**
 * Reads one reply of Redis's wire protocol (RESP 2), or undefined while it has not arrived whole.
 *
 * @throws SyntaxError when the bytes are no reply.
 */
export function parseReply(bytes: Buffer, start = 0): ParsedReply | undefined {
  const end = bytes.indexOf('\r\n', start, 'latin1')
  if (end < 0) return undefined
  const text = bytes.toString('utf8', start + 1, end)
  const next = end + 2
  switch (bytes.toString('latin1', start, start + 1)) {
    case '+':
      return { reply: { status: text }, next }
    case '-':
      return { reply: { error: text }, next }
    case ':':
      return { reply: Number(text), next }
    case '$':
      return parseBytes(bytes, next, Number(text))
    case '*':
      return parseArray(bytes, next, Number(text))
    default:
      throw new SyntaxError('What answered does not speak the Redis protocol')
  }
}

function parseBytes(bytes: Buffer, start: number, length: number): ParsedReply | undefined {
  if (length < 0) return { reply: null, next: start }
  const end = start + length
  if (bytes.length < end + 2) return undefined
  return { reply: Buffer.from(bytes.subarray(start, end)), next: end + 2 }
}

function parseArray(bytes: Buffer, start: number, length: number): ParsedReply | undefined {
  if (length < 0) return { reply: null, next: start }
  const items: Reply[] = []
  let next = start
  while (items.length < length) {
    const item = parseReply(bytes, next)
    if (!item) return undefined
    items.push(item.reply)
    next = item.next
  }
  return { reply: items, next }
}
