import type { TokenHandle } from '@warmtoken/core'
import { asFields, parseJson } from '@warmtoken/core/adapter/setup'

/** The type of a token that holds AWS credentials, after the signature that is made with them. */
export const TOKEN_TYPE = 'AWS4'

/**
 * The minimum lifetime that is asked for, in ms: an SDK client asks for new credentials from 5 min before they expire
 * (`memoizeIdentityProvider` of @smithy/core), so with less it would ask again at once.
 */
const MIN_LIFETIME = 300_000

/** Credentials as every SDK client takes them. */
export interface SharedCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string
  /** When they expire by this machine's clock, never later than by that of AWS. */
  readonly expiration: Date
}

/**
 * What SDK clients take as `credentials`: those of an `assumeRole` token, the newest that the fleet has with 5 min left,
 * if possible. Rejects like the handle's `get`, and with `TypeError` when its token holds no credentials.
 *
 * @example
 * ```ts
 * const s3 = new S3Client({ credentials: credentialsFrom(partner) })
 * ```
 */
export function credentialsFrom(handle: Pick<TokenHandle, 'get'>): () => Promise<SharedCredentials> {
  return async () => {
    const token = await handle.get({ minLifetime: MIN_LIFETIME })
    // By this machine's clock, because the SDK compares it with that one. A wrong clock then does no harm.
    return { ...parse(token.type, token.value), expiration: new Date(Date.now() + token.remaining()) }
  }
}

function parse(type: string, value: string): Omit<SharedCredentials, 'expiration'> {
  const { accessKeyId, secretAccessKey, sessionToken } = (type === TOKEN_TYPE && asFields(parseJson(value))) || {}
  if (typeof accessKeyId !== 'string' || typeof secretAccessKey !== 'string' || typeof sessionToken !== 'string')
    throw new TypeError('credentialsFrom: the handle must be that of an assumeRole source')
  return { accessKeyId, secretAccessKey, sessionToken }
}
