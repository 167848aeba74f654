import type { Authentication } from './authenticate.ts'
import { unchunk } from './aws-chunked.ts'
import { sha256Hex } from './canonical-request.ts'
import type { Checksum } from './checksums.ts'
import { verifyChecksums } from './checksums.ts'
import { S3Error } from './s3-error.ts'
import type { S3Head } from './s3-request.ts'

/**
 * Turns the bytes that arrived into the content that was meant: takes off `aws-chunked`, verifies the payload hash,
 * the decoded length and the checksums, whether these came in headers or in trailers.
 */
export function receiveBody(
  head: S3Head,
  raw: Buffer,
  authentication: Authentication,
): { readonly body: Buffer; readonly checksum: Checksum | undefined } {
  if (!authentication.payloadHash.startsWith('STREAMING-')) {
    verifyPayloadHash(raw, authentication.payloadHash)
    return { body: raw, checksum: verifyChecksums(head.headers, raw) }
  }
  const { body, trailers } = unchunk(raw, authentication)
  const decodedLength = head.headers.get('x-amz-decoded-content-length')
  if (decodedLength === undefined || Number(decodedLength) !== body.length) {
    throw new S3Error('IncompleteBody', 'The body is not as long as x-amz-decoded-content-length says.')
  }
  const announced = head.headers.get('x-amz-trailer')
  if (announced !== undefined && !trailers.has(announced.trim().toLowerCase())) {
    throw new S3Error('InvalidRequest', `The trailer ${announced} was announced but not sent.`)
  }
  return { body, checksum: verifyChecksums(new Map([...head.headers, ...trailers]), body) }
}

function verifyPayloadHash(body: Buffer, payloadHash: string): void {
  if (payloadHash === 'UNSIGNED-PAYLOAD' || payloadHash === sha256Hex(body)) return
  throw new S3Error('XAmzContentSHA256Mismatch', "The provided 'x-amz-content-sha256' header does not match the body.")
}
