import { describe, expect, test } from 'vitest'
import { authenticate } from './authenticate.ts'
import { sha256Hex } from './canonical-request.ts'
import type { S3Head } from './s3-request.ts'

// The examples of https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html and
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
const accessKeyId = 'AKIAIOSFODNN7EXAMPLE'
const credentials = [{ accessKeyId, secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' }]
const scope = '20130524/us-east-1/s3/aws4_request'
const madeAt = Date.parse('2013-05-24T00:00:00Z')
const base = { bucket: '', key: '', host: 'examplebucket.s3.amazonaws.com' }

interface Example {
  readonly method: string
  readonly path: string
  readonly query?: readonly (readonly [string, string])[]
  readonly headers: Readonly<Record<string, string>>
  readonly signature: string
}

function signed({ method, path, query = [], headers, signature }: Example): S3Head {
  const all: Record<string, string> = {
    host: base.host,
    'x-amz-date': '20130524T000000Z',
    'x-amz-content-sha256': sha256Hex(''),
    ...headers,
  }
  const names = Object.keys(all).sort().join(';')
  const authorization = `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope},SignedHeaders=${names},Signature=${signature}`
  return { ...base, method, path, query, headers: new Map(Object.entries({ ...all, authorization })) }
}

const examples: readonly Example[] = [
  {
    method: 'GET',
    path: '/test.txt',
    headers: { range: 'bytes=0-9' },
    signature: 'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
  },
  {
    method: 'PUT',
    path: '/test$file.text',
    headers: {
      date: 'Fri, 24 May 2013 00:00:00 GMT',
      'x-amz-storage-class': 'REDUCED_REDUNDANCY',
      'x-amz-content-sha256': '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072',
    },
    signature: '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
  },
  {
    method: 'GET',
    path: '/',
    query: [['lifecycle', '']],
    headers: {},
    signature: 'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
  },
  {
    method: 'GET',
    path: '/',
    query: [
      ['max-keys', '2'],
      ['prefix', 'J'],
    ],
    headers: {},
    signature: '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
  },
]

describe("Amazon's examples", () => {
  test.each(examples)('$method $path is verified, and refused when anything signed differs', (example) => {
    const settings = { credentials, now: madeAt }
    expect(authenticate(signed(example), settings).signature).toBe(example.signature)
    const changed = { ...example, path: `${example.path}x` }
    expect(() => authenticate(signed(changed), settings)).toThrow('does not match')
  })

  test('a presigned URL is verified until it expires', () => {
    const query = [
      ['X-Amz-Algorithm', 'AWS4-HMAC-SHA256'],
      ['X-Amz-Credential', `${accessKeyId}/${scope}`],
      ['X-Amz-Date', '20130524T000000Z'],
      ['X-Amz-Expires', '86400'],
      ['X-Amz-SignedHeaders', 'host'],
      ['X-Amz-Signature', 'aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404'],
    ] as const
    const head = { ...base, method: 'GET', path: '/test.txt', query, headers: new Map([['host', base.host]]) }
    expect(authenticate(head, { credentials, now: madeAt + 86_400_000 }).payloadHash).toBe('UNSIGNED-PAYLOAD')
    expect(() => authenticate(head, { credentials, now: madeAt + 86_400_001 })).toThrow('too large')
  })
})
