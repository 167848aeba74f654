import type { Reply } from './reply.ts'
import { isError, isStatus } from './reply.ts'

/** One element of an answer. */
export type RestResult = { readonly result: unknown } | { readonly error: string }

/** Turns a reply into what the REST API puts into JSON; `base64` is the client's wish for encoded strings. */
export function toRest(reply: Reply, base64: boolean): RestResult {
  if (isError(reply)) return { error: reply.error }
  // The only string that is never encoded: clients compare it.
  if (isStatus(reply) && reply.status === 'OK') return { result: 'OK' }
  return { result: toJson(reply, base64) }
}

function toJson(reply: Reply, base64: boolean): unknown {
  if (reply === null || typeof reply === 'number') return reply
  if (Buffer.isBuffer(reply)) return toText(reply, base64)
  if (isStatus(reply)) return toText(Buffer.from(reply.status), base64)
  // Inside an array an error is told as text, as Redis's own clients show it.
  if (isError(reply)) return toText(Buffer.from(reply.error), base64)
  return reply.map((item) => toJson(item, base64))
}

function toText(bytes: Buffer, base64: boolean): string {
  if (base64) return bytes.toString('base64')
  return bytes.toString()
}
