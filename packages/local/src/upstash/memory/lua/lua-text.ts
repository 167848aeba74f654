import type { Reply } from '../../reply.ts'
import { isError, isStatus } from '../../reply.ts'

// Replies cross the border to the Lua machine as ASCII text, because the machine's own string conversion is UTF-8 that
// ends at the first NUL. One token a line: n nil, i integer, s bytes, + status, - error, * length of an array;
// bytes outside a safe set are percent-encoded. The prelude holds the other half of this codec.

/** Writes a reply as text for the Lua machine. */
export function encodeReply(reply: Reply): string {
  if (reply === null) return 'n'
  if (typeof reply === 'number') return `i${reply}`
  if (Buffer.isBuffer(reply)) return `s${escapeBytes(reply)}`
  if (isStatus(reply)) return `+${escapeBytes(Buffer.from(reply.status))}`
  if (isError(reply)) return `-${escapeBytes(Buffer.from(reply.error))}`
  return [`*${reply.length}`, ...reply.map(encodeReply)].join('\n')
}

/** Reads text of the Lua machine; throws SyntaxError when it is not of the form above. */
export function decodeReply(text: string): Reply {
  const tokens = text.split('\n')
  const { reply, next } = decodeAt(tokens, 0)
  if (next !== tokens.length) throw new SyntaxError('The Lua machine sent more than one reply')
  return reply
}

function decodeAt(tokens: readonly string[], at: number): { readonly reply: Reply; readonly next: number } {
  const token = tokens[at] ?? ''
  const rest = token.slice(1)
  if (token.startsWith('*')) return decodeArray(tokens, at + 1, Number(rest))
  return { reply: decodeScalar(token, rest), next: at + 1 }
}

function decodeArray(
  tokens: readonly string[],
  start: number,
  length: number,
): { readonly reply: Reply; readonly next: number } {
  const items: Reply[] = []
  let next = start
  while (items.length < length) {
    const item = decodeAt(tokens, next)
    items.push(item.reply)
    next = item.next
  }
  return { reply: items, next }
}

function decodeScalar(token: string, rest: string): Reply {
  if (token === 'n') return null
  if (token.startsWith('i')) return Number(rest)
  if (token.startsWith('s')) return unescapeBytes(rest)
  if (token.startsWith('+')) return { status: unescapeBytes(rest).toString() }
  if (token.startsWith('-')) return { error: unescapeBytes(rest).toString() }
  throw new SyntaxError(`The Lua machine sent an unknown token: ${token.slice(0, 20)}`)
}

function escapeBytes(bytes: Buffer): string {
  return bytes.toString('latin1').replace(/[^ !-$&-~]/g, (character) => {
    return `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`
  })
}

function unescapeBytes(text: string): Buffer {
  const latin1 = text.replace(/%([\da-f]{2})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
  return Buffer.from(latin1, 'latin1')
}
