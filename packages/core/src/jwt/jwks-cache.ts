import { WarmTokenError } from '../errors.ts'
import { misuse, shaped } from '../lib/options.ts'
import type { KeySet, PublicKey, WarmKeys } from './jwks.ts'

/** A key in the form of aws-jwt-verify. */
export type KeyWithId = PublicKey & { readonly kid: string }

/** The part of a decoded JWT that is read. */
interface Decoded {
  readonly header: { readonly kid?: string | undefined }
}

/** What `JwtVerifier.create` of aws-jwt-verify takes as its `jwksCache`. */
export interface WarmJwksCache {
  getJwk(uri: string, jwt: Decoded): Promise<KeyWithId>
  getCachedJwk(uri: string, jwt: Decoded): KeyWithId
  getJwks(uri: string): Promise<{ keys: PublicKey[] }>
  addJwks(uri: string, set: unknown): void
}

const [, isKeys] = shaped('get', 'getRecent', 'peek')

/**
 * Lets aws-jwt-verify use keys that the fleet keeps warm. `keys`: what `jwks` returned for the one
 * issuer that the verifier is for.
 *
 * @example
 * ```ts
 * const verifier = JwtVerifier.create({ issuer, audience }, { jwksCache: jwksCache(keys) })
 * ```
 */
export function jwksCache(keys: WarmKeys): WarmJwksCache {
  if (!isKeys(keys)) misuse('jwksCache', 'give what jwks(tokens, { issuer }) returned')

  return {
    async getJwk(_uri, { header }) {
      return find(await keys.get(), header.kid) ?? find(await keys.getRecent(), header.kid) ?? missing()
    },
    getCachedJwk: (_uri, { header }) => find(keys.peek(), header.kid) ?? missing(),
    getJwks: async () => ({ keys: [...(await keys.get()).keys] }),
    // The keys come from the source alone.
    addJwks() {},
  }
}

function find(set: KeySet | undefined, kid: string | undefined): KeyWithId | undefined {
  return set?.keys.find((key): key is KeyWithId => typeof key.kid === 'string' && key.kid === kid)
}

function missing(): never {
  throw new WarmTokenError('no key of the issuer has the id that the JWT names', {
    code: 'JWT_KEY_UNKNOWN',
    retryable: false,
  })
}
