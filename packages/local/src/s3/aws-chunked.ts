import type { Authentication } from './authenticate.ts'
import { sameText } from './authenticate.ts'
import { sha256Hex, sign } from './canonical-request.ts'
import { S3Error } from './s3-error.ts'

/** Content and trailers of a body that came in `aws-chunked` framing. */
export interface Unchunked {
  readonly body: Buffer
  readonly trailers: ReadonlyMap<string, string>
}

const EMPTY_HASH = sha256Hex('')

/**
 * Takes the `aws-chunked` framing off and verifies each chunk's signature when the body is signed.
 *
 * @throws S3Error `IncompleteBody` when the framing is broken or ends early, `SignatureDoesNotMatch` for a bad chunk.
 */
export function unchunk(framed: Buffer, authentication: Authentication): Unchunked {
  const signed = authentication.payloadHash.startsWith('STREAMING-AWS4-HMAC-SHA256-PAYLOAD')
  const chunks: Buffer[] = []
  let previous = authentication.signature
  let at = 0
  for (;;) {
    const line = readLine(framed, at)
    const { length, signature } = parseChunkLine(line.text)
    const data = framed.subarray(line.next, line.next + length)
    if (data.length < length) throw incomplete()
    if (signed) previous = verifyChunk({ authentication, previous, data, signature })
    at = line.next + length
    if (length === 0) break
    chunks.push(data)
    if (framed.toString('latin1', at, at + 2) !== '\r\n') throw incomplete()
    at += 2
  }
  const trailers = readTrailers(framed, at)
  if (signed && authentication.payloadHash.endsWith('-TRAILER')) verifyTrailers(trailers, authentication, previous)
  return { body: Buffer.concat(chunks), trailers }
}

function verifyChunk(chunk: {
  readonly authentication: Authentication
  readonly previous: string
  readonly data: Buffer
  readonly signature: string | undefined
}): string {
  const lines = [chunk.previous, EMPTY_HASH, sha256Hex(chunk.data)]
  const expected = sign(chunk.authentication.context, lines, '-PAYLOAD')
  if (chunk.signature === undefined || !sameText(expected, chunk.signature)) throw badSignature()
  return expected
}

function verifyTrailers(trailers: ReadonlyMap<string, string>, authentication: Authentication, previous: string): void {
  const lines = [...trailers].filter(([name]) => name !== 'x-amz-trailer-signature')
  const canonical = lines.map(([name, value]) => `${name}:${value}\n`).join('')
  const expected = sign(authentication.context, [previous, sha256Hex(canonical)], '-TRAILER')
  if (!sameText(expected, trailers.get('x-amz-trailer-signature') ?? '')) throw badSignature()
}

function parseChunkLine(line: string): { readonly length: number; readonly signature: string | undefined } {
  const [, length, signature] = /^([\da-f]{1,8})(?:;chunk-signature=([\da-f]{64}))?$/i.exec(line) ?? []
  if (length === undefined) throw incomplete()
  return { length: Number.parseInt(length, 16), signature }
}

function readTrailers(framed: Buffer, start: number): ReadonlyMap<string, string> {
  const trailers = new Map<string, string>()
  for (const line of framed.toString('latin1', start).split('\r\n')) {
    const colon = line.indexOf(':')
    if (colon > 0) trailers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim())
  }
  return trailers
}

function readLine(framed: Buffer, at: number): { readonly text: string; readonly next: number } {
  const end = framed.indexOf('\r\n', at, 'latin1')
  if (end < 0) throw incomplete()
  return { text: framed.toString('latin1', at, end), next: end + 2 }
}

function incomplete(): S3Error {
  return new S3Error('IncompleteBody', 'The request body terminated unexpectedly.')
}

function badSignature(): S3Error {
  return new S3Error('SignatureDoesNotMatch', 'The chunk signature we calculated does not match the one you provided.')
}
