import { createHash, createHmac } from 'node:crypto'
import { SignatureV4 } from '@smithy/signature-v4'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { sign } from './sigv4.ts'

/** SHA-256 in the form that the SDK's signer takes. */
class Sha256 {
  readonly #hash: import('node:crypto').Hash | import('node:crypto').Hmac

  constructor(secret?: unknown) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret as Uint8Array)
  }

  update(data: unknown): void {
    this.#hash.update(data as Uint8Array)
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }

  reset(): void {}
}

const word = fc.string({ minLength: 1, maxLength: 20, unit: fc.constantFrom(...'abcXYZ019+/=-_') })

/** A segment of a path, percent-encoded as a URL has it; `!'()*` stay as they are. */
const segment = fc
  .string({ minLength: 1, maxLength: 12, unit: fc.constantFrom(..."aZ0-_~@:=+$&,;!'()* %ä") })
  .map(encodeURIComponent)

it('a signature is the one that the SDK makes, whatever is signed', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        host: fc.constantFrom(
          'dynamodb.eu-central-1.amazonaws.com',
          '127.0.0.1:8000',
          'dynamodb.cn-north-1.amazonaws.com.cn',
        ),
        path: fc.oneof(
          fc.constantFrom(
            '/',
            '/behind',
            '/a/proxy/',
            '/sp%20ace/%C3%A4',
            '/a+b=c',
            '/prod/@connections/L0SM9cOFvHcCIhw%3D',
          ),
          fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => `/${parts.join('/')}`),
        ),
        method: fc.constantFrom('POST' as const, 'DELETE' as const),
        region: fc.constantFrom('eu-central-1', 'us-gov-west-1', 'cn-north-1'),
        body: fc.string({ maxLength: 300, unit: 'grapheme' }),
        at: fc.integer({ min: 1_600_000_000_000, max: 1_900_000_000_000 }),
        target: fc.constantFrom('DynamoDB_20120810.GetItem', 'DynamoDB_20120810.UpdateItem', 'a  b   c'),
      }),
      fc.record({ accessKeyId: word, secretAccessKey: word, sessionToken: fc.option(word, { nil: undefined }) }),
      async ({ method, host, path, region, body, at, target }, { sessionToken, ...key }) => {
        const credentials = { ...key, ...(sessionToken !== undefined && { sessionToken }) }
        const headers = { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': target }
        const ours = sign({ method, host, path, region, service: 'dynamodb', headers, body, at }, credentials)
        const signer = new SignatureV4({
          service: 'dynamodb',
          region,
          credentials,
          sha256: Sha256,
          applyChecksum: false,
        })
        const unsigned = { method, protocol: 'https:', hostname: host, path, query: {} }
        const theirs = await signer.sign(
          { ...unsigned, headers: { ...headers, host }, body },
          { signingDate: new Date(at) },
        )
        expect(ours['authorization']).toBe(theirs.headers['authorization'])
      },
    ),
    { numRuns: 500 },
  )
})
