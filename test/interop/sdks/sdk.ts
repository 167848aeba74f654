import type { TokenHandle, Tokens } from '@warmtoken/core'

/** Where an SDK asks, and as whom. */
export interface Place {
  readonly url: string
  readonly clientId: string
  /** The secret, or the private key. */
  readonly secret: string
  /** The tenant, where there are several. Default `tenant-1`. */
  readonly tenant?: string
}

/** A real SDK at an imitation of its issuer. */
export interface Sdk {
  /** One call that needs a token; resolves to the token. `tokens` is whose cache it uses; without, its own. */
  readonly open: (place: Place, tokens?: Tokens) => () => Promise<string>
  /** The handle that our cache stands on. */
  readonly handle: (tokens: Tokens, place: Place) => TokenHandle
}

/** With our cache an SDK needs no secret: with this one it could not ask on its own. */
export function withoutSecret(place: Place, tokens: Tokens | undefined): Place {
  return tokens === undefined ? place : { ...place, secret: 'kept by warmtoken' }
}
