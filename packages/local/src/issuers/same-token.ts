import { randomBytes } from 'node:crypto'

/** A token as an imitation keeps it. */
export interface KeptToken {
  readonly value: string
  readonly endsAt: number
}

/** The tokens of an issuer that gives the same one again for a while. */
export interface SameTokens {
  /** How many different tokens were made so far. */
  readonly made: number
  /** The token of this name: the newest again while it has `atLeast` ms left, else a new one. The older stay valid. */
  give(name: string, now: number, form: TokenForm): KeptToken
  /** Renews the lifetime of the newest token of this name, as some issuers do at a repeated request. */
  renew(name: string, now: number, lifetime: number): void
  /** The name of a token that lives; `'expired'` for one that did, `undefined` for one that was never given. */
  find(value: string, now: number): { readonly name: string } | 'expired' | undefined
  /** Takes a token back: it is as if it were never given. */
  revoke(value: string): void
}

/** How new tokens are. */
export interface TokenForm {
  readonly prefix: string
  /** How long they live, in ms. */
  readonly lifetime: number
  /** With this much life left, in ms, the same one is given again. */
  readonly atLeast: number
}

/** Tokens that nobody has used are kept in memory until the imitation ends: it serves a test. */
export function createSameTokens(): SameTokens {
  const tokens = new Map<string, KeptToken & { readonly name: string }>()
  const newest = new Map<string, string>()
  let made = 0
  const newestOf = (name: string) => tokens.get(newest.get(name) ?? '')
  return {
    get made() {
      return made
    },
    give(name, now, { prefix, lifetime, atLeast }) {
      const known = newestOf(name)
      if (known !== undefined && known.endsAt > now && known.endsAt - now >= atLeast) return known
      const token = { name, value: `${prefix}${randomBytes(16).toString('hex')}`, endsAt: now + lifetime }
      made += 1
      tokens.set(token.value, token)
      newest.set(name, token.value)
      return token
    },
    renew(name, now, lifetime) {
      const known = newestOf(name)
      if (known !== undefined && known.endsAt > now) tokens.set(known.value, { ...known, endsAt: now + lifetime })
    },
    find(value, now) {
      const known = tokens.get(value)
      return known !== undefined && known.endsAt <= now ? 'expired' : known
    },
    revoke(value) {
      tokens.delete(value)
    },
  }
}
