import type { Entry, Json, Tier, TokenValue } from '../contracts.ts'

/** What a {@link Token} is made of. */
export interface TokenParts {
  readonly entry: Entry<TokenValue>
  readonly tier: Tier
  /** Life left now, at least, in ms. */
  readonly remaining: () => number
  /** Whether less life is left than was asked for. */
  readonly short?: boolean
}

/**
 * A token that does not show itself: `toString`, `toJSON` and `util.inspect` give its fingerprint, never its value.
 * Ask for `value` or `headers()` where it is sent, and nowhere else.
 */
export class Token {
  readonly #parts: TokenParts

  constructor(parts: TokenParts) {
    this.#parts = parts
  }

  /** The token itself: a secret. */
  get value(): string {
    return this.#parts.entry.value.value
  }

  /** How it is presented, such as `Bearer`. */
  get type(): string {
    return this.#parts.entry.value.type
  }

  /** What came with it, such as an instance URL. */
  get extra(): { readonly [name: string]: Json } {
    return this.#parts.entry.value.extra ?? {}
  }

  /** The tier that answered this call; `source` when it was fetched for it. */
  get tier(): Tier {
    return this.#parts.tier
  }

  /** When it was obtained, in ms since 1970 on the store's clock. */
  get issuedAt(): number {
    return this.#parts.entry.issuedAt
  }

  /** When it must no longer be used, in ms since 1970 on the store's clock. */
  get expiresAt(): number {
    return this.#parts.entry.hardExpiry
  }

  /** The fencing number under which it was published; 0 when it could not be published. */
  get version(): number {
    return this.#parts.entry.version
  }

  /** Eight characters that tell it from another token without showing it. */
  get fingerprint(): string {
    return this.#parts.entry.fingerprint
  }

  /** True when less life is left than was asked for, because the source gives no longer one or cannot be reached. */
  get short(): boolean {
    return this.#parts.short ?? false
  }

  /** Life left now, at least, in ms; 0 when there is none. */
  remaining(): number {
    return this.#parts.remaining()
  }

  /** How old it is now, in ms. */
  age(): number {
    return Math.max(0, this.expiresAt - this.issuedAt - this.remaining())
  }

  /** The header to send it with: `{ authorization: 'Bearer …' }`. */
  headers(): { authorization: string } {
    return { authorization: `${this.type} ${this.value}` }
  }

  /** `Token(1a2b3c4d)`: the fingerprint, never the value. */
  toString(): string {
    return `Token(${this.fingerprint})`
  }

  /** The same, so that `JSON.stringify` shows nothing either. */
  toJSON(): string {
    return this.toString()
  }

  // The same for `console.log` and `util.inspect`.
  static {
    const show = { value: Token.prototype.toString }
    Object.defineProperty(Token.prototype, Symbol.for('nodejs.util.inspect.custom'), show)
  }
}
