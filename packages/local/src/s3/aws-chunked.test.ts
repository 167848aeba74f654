import { expect, test } from 'vitest'
import type { Authentication } from './authenticate.ts'
import { unchunk } from './aws-chunked.ts'
import { signingKey } from './canonical-request.ts'

// The example of https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
const scope = '20130524/us-east-1/s3/aws4_request'
const key = signingKey('wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY', scope)
const authentication: Authentication = {
  context: { key, scope, timestamp: '20130524T000000Z' },
  signature: '4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9',
  payloadHash: 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
}
const first = 'ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648'
const second = '0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497'
const last = 'b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9'

function frame(fill = 'a'): string {
  const chunks = [
    `10000;chunk-signature=${first}\r\n${'a'.repeat(65_536)}`,
    `400;chunk-signature=${second}\r\n${fill.repeat(1024)}`,
    `0;chunk-signature=${last}\r\n`,
  ]
  return `${chunks.join('\r\n')}\r\n`
}

test("Amazon's example of signed chunks is verified and joined", () => {
  expect(unchunk(Buffer.from(frame()), authentication).body.toString()).toBe('a'.repeat(66_560))
})

test('a changed chunk is refused', () => {
  expect(() => unchunk(Buffer.from(frame('b')), authentication)).toThrow('chunk signature')
})

test.each(['', 'zz\r\n', '5\r\nab', '2\r\nab', '2\r\nabXX0\r\n\r\n'])('broken framing is refused: %j', (framed) => {
  const unsigned = { ...authentication, payloadHash: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER' }
  expect(() => unchunk(Buffer.from(framed), unsigned)).toThrow('terminated unexpectedly')
})

test('trailers are returned beside the body', () => {
  const unsigned = { ...authentication, payloadHash: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER' }
  const { body, trailers } = unchunk(Buffer.from('2\r\nab\r\n0\r\nX-Amz-Checksum-Crc32: abc=\r\n\r\n'), unsigned)
  expect([body.toString(), trailers.get('x-amz-checksum-crc32')]).toEqual(['ab', 'abc='])
})
