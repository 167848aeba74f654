import { fingerprint } from '../../lib/hash.ts'

/** A secret, or a function that gives it: called only when a token is really fetched. */
export type Secret = string | (() => string | Promise<string>)

/** Resolves to the secret. What a function gives is checked where it is used, for only a fetch comes that far. */
export async function readSecret(secret: Secret): Promise<string> {
  return typeof secret === 'function' ? secret() : secret
}

/**
 * The secret's part of an identity: a fingerprint of one that is at hand. One that must be fetched has none, or a cold
 * start that finds a good record would have to fetch it; its cool-down is bound to it all the same.
 */
export function secretIdentity(secret: Secret): string | null {
  return typeof secret === 'string' ? fingerprint(secret) : null
}

/** The `secretFingerprint` of a source with this secret. */
export function fingerprintOf(secret: Secret): () => Promise<string> {
  return async () => fingerprint(await readSecret(secret))
}
