import type { Entry } from '../contracts.ts'

/**
 * The same entry in less memory, since there may be a million of them: a number as large as an instant takes 24 bytes, a
 * length 8. Instants are cut to whole ms. Read its fields by name; a spread would miss the computed ones.
 */
export function packEntry<T>(entry: Entry<T>): Entry<T> {
  const { value, version, issuedAt, softExpiry, hardExpiry, fingerprint } = entry
  const packed: Packed & Pick<Entry<T>, 'value' | 'fingerprint'> = {
    value,
    fingerprint,
    hardExpiry: Math.floor(hardExpiry),
    lifetime: between(issuedAt, hardExpiry),
    window: between(softExpiry, hardExpiry),
    publishedAfter: version === 0 ? undefined : between(issuedAt, version),
  }
  return Object.setPrototypeOf(packed, computed)
}

/** What a packed entry holds of its instants: one of them, and how far the others are from it, in ms. */
interface Packed {
  readonly hardExpiry: number
  /** From the issue to hard expiry. */
  readonly lifetime: number
  /** From soft to hard expiry. */
  readonly window: number
  /** From the issue to the version, which is an instant; `undefined` when it was not published. */
  readonly publishedAfter: number | undefined
}

/** The other fields, computed. */
const computed: Pick<Entry<unknown>, 'version' | 'issuedAt' | 'softExpiry'> & ThisType<Packed> = {
  get version() {
    return this.publishedAfter === undefined ? 0 : this.hardExpiry - this.lifetime + this.publishedAfter
  },
  get issuedAt() {
    return this.hardExpiry - this.lifetime
  },
  get softExpiry() {
    return this.hardExpiry - this.window
  },
}

/** V8 keeps the difference of two large numbers as a large one, however small it is, until it is rounded. */
function between(from: number, to: number): number {
  return Math.floor(Math.floor(to) - Math.floor(from))
}
