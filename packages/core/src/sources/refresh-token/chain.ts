import type { TokenValue } from '../../contracts.ts'
import { fingerprint } from '../../lib/hash.ts'
import { asFields, asText } from '../../lib/parse.ts'

/** The longest refresh token that is accepted, in characters; no answer of an issuer that is read is longer. */
const MAX_REFRESH_TOKEN = 64 * 1024
/** How many seeds a chain remembers. */
const MAX_SEEDS = 10

/** What is kept from one fetch to the next, sealed beside the access token; and what the next one spends. */
export interface Chain {
  /** The newest refresh token, or the seed that is about to be spent. */
  readonly token: string
  /** Fingerprints of the seeds that have been used, newest last. */
  readonly seeds: readonly string[]
}

/** The value as a refresh token. It is sent in a form, so any characters will do. */
export function asRefreshToken(value: unknown): string | undefined {
  return asText(value, MAX_REFRESH_TOKEN) || undefined
}

/** The chain of a value, from a store: untrusted. `undefined` when any part of it is wrong. */
function parseChain(previous: TokenValue | undefined): Chain | undefined {
  const fields = asFields(previous?.chain)
  const token = asRefreshToken(fields?.['token'])
  const seeds: unknown = fields?.['seeds']
  if (token === undefined || !Array.isArray(seeds) || seeds.length > MAX_SEEDS) return undefined
  return seeds.every((seed) => typeof seed === 'string' && /^[0-9a-f]{8}$/.test(seed)) ? { token, seeds } : undefined
}

/**
 * What to spend: the newest refresh token, unless the seed is one that this chain has not seen. Then a person has signed
 * in again and the seed begins again. Seeds already used are remembered, so that an environment which still holds an old
 * one continues with the chain.
 */
export function nextSpending(seed: string, previous: TokenValue | undefined): Chain {
  const chain = parseChain(previous)
  const mark = fingerprint(seed)
  if (chain?.seeds.includes(mark)) return chain
  return { token: seed, seeds: [...(chain?.seeds ?? []), mark].slice(-MAX_SEEDS) }
}
