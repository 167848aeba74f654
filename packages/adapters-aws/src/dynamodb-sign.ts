import { abortable } from './client.ts'
import { type Credentials, currentOf } from './dynamodb-credentials.ts'
import { sign } from './signature.ts'

/**
 * The SDK's measure of a clock that is to blame for a refusal, in ms: AWS takes a signature for five minutes
 * (`isClockSkewed` of `@aws-sdk/core`).
 */
const MIN_SKEW = 240_000

/** A signed request. */
export interface Signed {
  readonly headers: Readonly<Record<string, string>>
  /** By how much the server's clock was taken to be ahead of ours, in ms. */
  readonly lead: number
}

/** Signs requests, and learns the time of the server where our clock is wrong. */
export interface Signer {
  /** The headers of a request. Rejects when there are no credentials, or as soon as the signal aborts. */
  readonly sign: (operation: string, body: string, signal: AbortSignal) => Promise<Signed>
  /** Sets the clock by the server's, in ms. True if that which signed this request was wrong enough to be refused for. */
  readonly correct: (signed: Signed, serverAt: number) => boolean
}

/** Makes a signer, by AWS Signature Version 4, of requests to DynamoDB at this address. */
export function signerOf(url: URL, region: string, credentials: Credentials): Signer {
  const { host, pathname: path } = url
  let lead = 0

  return {
    sign: async (operation, body, signal) => {
      const headers = {
        'content-type': 'application/x-amz-json-1.0',
        'content-length': String(Buffer.byteLength(body)),
        'x-amz-target': `DynamoDB_20120810.${operation}`,
      }
      const current = await abortable(currentOf(credentials), signal)
      const at = Date.now() + lead
      return { headers: sign({ host, path, region, service: 'dynamodb', headers, body, at }, current), lead }
    },
    correct: (signed, serverAt) => {
      const seen = serverAt - Date.now()
      // Compared with what this request was signed by: another one may have set the clock since.
      if (Math.abs(seen - signed.lead) < MIN_SKEW) return false
      lead = seen
      return true
    },
  }
}
