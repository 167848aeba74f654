import type { TokenHandle } from '@warmtoken/core'

/** The type of a token that holds AWS credentials, after the signature that is made with them. */
export const TOKEN_TYPE = 'AWS4'

/**
 * The least life that is asked for, in ms: an SDK client asks for others from 5 min before they expire
 * (`memoizeIdentityProvider` of @smithy/core), so that it would ask again at once for any that live shorter.
 */
const MIN_LIFE = 300_000

/** Credentials as every SDK client takes them. */
export interface SharedCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string
  /** When they expire by this machine's clock, never later than by that of AWS. */
  readonly expiration: Date
}

/**
 * What SDK clients take as `credentials`: those of an `assumeRole` token, the newest that the fleet has, with 5 min left
 * where that can be. Rejects like the handle's `get`, and with `TypeError` when its token holds no credentials.
 *
 * @example
 * ```ts
 * const s3 = new S3Client({ credentials: credentialsFrom(partner) })
 * ```
 */
export function credentialsFrom(handle: Pick<TokenHandle, 'get'>): () => Promise<SharedCredentials> {
  return async () => {
    const token = await handle.get({ minLifetime: MIN_LIFE })
    // By this machine's clock, for the SDK holds it against that one; a wrong clock then harms nothing.
    return { ...parse(token.type, token.value), expiration: new Date(Date.now() + token.remaining()) }
  }
}

function parse(type: string, value: string): Omit<SharedCredentials, 'expiration'> {
  const { accessKeyId, secretAccessKey, sessionToken } = type === TOKEN_TYPE ? fieldsOf(value) : {}
  if (typeof accessKeyId !== 'string' || typeof secretAccessKey !== 'string' || typeof sessionToken !== 'string')
    throw new TypeError('credentialsFrom: the handle must be that of an assumeRole source')
  return { accessKeyId, secretAccessKey, sessionToken }
}

/** The parser's own error would quote the value. */
function fieldsOf(value: string): { readonly [name in keyof SharedCredentials]?: unknown } {
  try {
    return Object(JSON.parse(value)) as { readonly [name in keyof SharedCredentials]?: unknown }
  } catch {
    return {}
  }
}
