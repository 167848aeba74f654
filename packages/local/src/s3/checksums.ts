import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { crc32c, crc64nvme } from './crc.ts'
import { S3Error } from './s3-error.ts'

type Algorithm = 'crc32' | 'crc32c' | 'crc64nvme' | 'sha1' | 'sha256'

const ALGORITHMS: Readonly<Record<Algorithm, (body: Buffer) => Buffer>> = {
  crc32: (body: Buffer) => uint32(crc32(body)),
  crc32c: (body: Buffer) => uint32(crc32c(body)),
  crc64nvme: (body: Buffer) => uint64(crc64nvme(body)),
  sha1: (body: Buffer) => createHash('sha1').update(body).digest(),
  sha256: (body: Buffer) => createHash('sha256').update(body).digest(),
}
const NAMES: readonly Algorithm[] = ['crc32', 'crc32c', 'crc64nvme', 'sha1', 'sha256']

/** A checksum as it is sent: the name of the algorithm in lower case and the digest in base64. */
export interface Checksum {
  readonly algorithm: Algorithm
  readonly value: string
}

/**
 * Verifies `Content-MD5` and every `x-amz-checksum-*` among the headers (or trailers) against the body.
 * Returns the checksum to keep with the object, if one was sent.
 *
 * @throws S3Error `BadDigest` when one does not match.
 */
export function verifyChecksums(headers: ReadonlyMap<string, string>, body: Buffer): Checksum | undefined {
  const md5 = headers.get('content-md5')
  if (md5 !== undefined && md5 !== createHash('md5').update(body).digest('base64')) {
    throw new S3Error('BadDigest', 'The Content-MD5 you specified did not match what we received.')
  }
  let sent: Checksum | undefined
  for (const algorithm of NAMES) {
    const value = headers.get(`x-amz-checksum-${algorithm}`)
    if (value === undefined) continue
    if (value !== ALGORITHMS[algorithm](body).toString('base64')) {
      const name = algorithm.toUpperCase()
      throw new S3Error('BadDigest', `The ${name} you specified did not match the calculated checksum.`)
    }
    sent = { algorithm, value }
  }
  return sent
}

function uint32(value: number): Buffer {
  const digest = Buffer.alloc(4)
  digest.writeUInt32BE(value >>> 0)
  return digest
}

function uint64(value: bigint): Buffer {
  const digest = Buffer.alloc(8)
  digest.writeBigUInt64BE(value)
  return digest
}
