import type { ImitatedRequest } from '../issuers/imitation.ts'
import { canonicalRequest, sha256Hex, sign, signingKey } from '../s3/canonical-request.ts'

/** A request's Signature Version 4. */
export interface Signature {
  /** The access key that it names. */
  readonly accessKeyId: string
  /** The session token that came with it, empty when none did. */
  readonly sessionToken: string
  /** Whether this secret made it. */
  madeWith(secretAccessKey: string): boolean
}

const FORM = /^AWS4-HMAC-SHA256 Credential=([^/,]+)\/([^,\s]+),\s*SignedHeaders=([^,\s]+),\s*Signature=([\da-f]{64})$/

/** Reads the signature of a request to the path `/` without a query; `undefined` when it has none. */
export function signatureOf({ method, path, headers, body }: ImitatedRequest): Signature | undefined {
  const [, accessKeyId, scope, names, signature] = FORM.exec(headers.authorization ?? '') ?? []
  if (accessKeyId === undefined || scope === undefined || names === undefined) return undefined
  const headerOf = (name: string): string => String(headers[name] ?? '')
  const signedHeaders = names.split(';')
  const canonical = canonicalRequest({
    method,
    path,
    query: [],
    headers: new Map(signedHeaders.map((name) => [name, headerOf(name)])),
    signedHeaders,
    payloadHash: sha256Hex(Buffer.from(body)),
  })
  return {
    accessKeyId,
    sessionToken: headerOf('x-amz-security-token'),
    madeWith: (secretAccessKey) => {
      const context = { key: signingKey(secretAccessKey, scope), timestamp: headerOf('x-amz-date'), scope }
      return sign(context, [sha256Hex(canonical)]) === signature
    },
  }
}
