import type { Json, Tier, TokenValue } from '../contracts.ts'
import type { Served } from '../engine/context.ts'

/**
 * A token that does not show itself: `toString`, `toJSON` and `util.inspect` give its fingerprint, never its value.
 * Ask for `value` or `headers()` where it is sent, and nowhere else.
 */
export class Token {
  readonly #value: string
  /** How it is presented, such as `Bearer`. */
  declare readonly type: string
  /** What came with it, such as an instance URL. */
  declare readonly extra: { readonly [name: string]: Json }
  /** The tier that answered this call; `source` when it was fetched for it. */
  declare readonly tier: Tier
  /** When it was obtained, in ms since 1970 on the store's clock. */
  declare readonly issuedAt: number
  /** When it must no longer be used, in ms since 1970 on the store's clock. */
  declare readonly expiresAt: number
  /** The fencing number under which it was published; 0 when it could not be published. */
  declare readonly version: number
  /** Eight characters that distinguish it from other tokens without showing it. */
  declare readonly fingerprint: string
  /** True when less life is left than was asked for, because the source gives no longer one or cannot be reached. */
  declare readonly short: boolean
  /** Life left now, at least, in ms; 0 when there is none. */
  declare readonly remaining: () => number

  /** Of what the engine returns, and the life in ms that was asked for. */
  constructor({ entry, tier, remaining }: Served<TokenValue>, minLifetime: number) {
    const { value, type, extra = Object.freeze({}) } = entry.value
    this.#value = value
    // Everything except the secret, as read-only properties.
    Object.assign(this, {
      type,
      extra,
      tier,
      issuedAt: entry.issuedAt,
      expiresAt: entry.hardExpiry,
      version: entry.version,
      fingerprint: entry.fingerprint,
      short: remaining() < minLifetime,
      remaining,
      // Where `console.log` and `util.inspect` ask.
      [Symbol.for('nodejs.util.inspect.custom')]: this.toString,
    })
    Object.freeze(this)
  }

  /** The token itself: a secret. */
  get value(): string {
    return this.#value
  }

  /** How old it is now, in ms. */
  age(): number {
    return Math.max(0, this.expiresAt - this.issuedAt - this.remaining())
  }

  /** The header to send it with: `{ authorization: 'Bearer …' }`. */
  headers(): { authorization: string } {
    return { authorization: `${this.type} ${this.#value}` }
  }

  /** `Token(1a2b3c4d)`: the fingerprint, never the value. */
  toString(): string {
    return `Token(${this.fingerprint})`
  }

  /** The same, so that `JSON.stringify` shows nothing either. */
  toJSON(): string {
    return this.toString()
  }
}
