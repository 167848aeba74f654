/** A Bloom filter of keys as a value of a cache: how it is built, printed and read. @module */

import { BloomFilter } from 'bloomfilter'
import { SourceUnavailableError } from '../errors.ts'
import { systemRuntime } from '../lib/runtime.ts'

/** Bits for each key, and how many of them each key sets: 0.8 % of absent keys pass. */
const BITS = 10
const HASHES = 7
/** A filter is at least so large, in keys. */
const MIN_KEYS = 100
/** The most keys: with their bits in base64, sealed, a filter takes 2.3 MB. */
export const MAX_KEYS = 1_000_000
/** How long a salt is, in characters. */
const SALT_LENGTH = 16
/** The form of a printed filter, so that another one can follow. */
const FORM = 'b1'

/** The keys that existed when a list was read. */
export interface Filter {
  /** False: the key was not in the list, for certain. */
  readonly has: (key: string) => boolean
  /** Rises with each build. */
  readonly build: number
  /** The build before it, 0 when that is not known. */
  readonly before: number
  /** How many keys were in the list. */
  readonly keys: number
  /** The share of absent keys that pass. */
  readonly error: number
  readonly print: () => string
}

/** Builds a filter of keys. Throws `SourceUnavailableError`, code `LIST_TOO_LONG`, beyond `max`. */
export async function buildFilter(
  keys: Iterable<string> | AsyncIterable<string>,
  { max, previous }: { readonly max: number; readonly previous: Filter | undefined },
): Promise<Filter> {
  const all: string[] = []
  for await (const key of keys) {
    if (all.length >= max) {
      const message = `bloomGuard: "list" has more than ${max} keys; raise "max", at most ${MAX_KEYS}`
      throw new SourceUnavailableError(message, { code: 'LIST_TOO_LONG' })
    }
    all.push(key)
  }
  // Nobody can prepare keys that pass: another build draws another salt.
  const salt = systemRuntime.unique().replaceAll('-', '').slice(0, SALT_LENGTH)
  const bloom = new BloomFilter(BITS * Math.max(all.length, MIN_KEYS), HASHES)
  for (const key of all) bloom.add(salt + key)
  const before = previous?.build ?? 0
  return filterOf({
    build: Math.max(before + 1, Math.floor(systemRuntime.wall())),
    before,
    keys: all.length,
    salt,
    bloom,
  })
}

/** Turns filters into texts and back. `parse` throws for what is none. */
export const filterForm = {
  print: (filter: Filter): string => filter.print(),
  parse(text: string): Filter {
    const [form, build, before, keys, salt = '', bits = '', ...rest] = text.split('.')
    const numbers = [build, before, keys].map(Number)
    const bytes = Buffer.from(bits, 'base64')
    const isFilter =
      form === FORM &&
      rest.length === 0 &&
      salt.length === SALT_LENGTH &&
      numbers.every((number) => Number.isSafeInteger(number) && number >= 0) &&
      bytes.length > 0 &&
      bytes.length % 4 === 0 &&
      bytes.length <= (BITS * MAX_KEYS) / 8 + 4
    if (!isFilter) throw new TypeError('not a filter that was printed here')
    const [builtAt = 0, builtBefore = 0, count = 0] = numbers
    // A copy, since the bytes of a small buffer begin anywhere.
    const bloom = new BloomFilter(new Uint32Array(Uint8Array.from(bytes).buffer), HASHES)
    return filterOf({ build: builtAt, before: builtBefore, keys: count, salt, bloom })
  },
}

function filterOf({
  build,
  before,
  keys,
  salt,
  bloom,
}: Pick<Filter, 'build' | 'before' | 'keys'> & { readonly salt: string; readonly bloom: BloomFilter }): Filter {
  return {
    has: (key) => bloom.test(salt + key),
    build,
    before,
    keys,
    error: bloom.error(),
    print() {
      const { buffer, byteOffset, byteLength } = bloom.buckets
      const bits = Buffer.from(buffer, byteOffset, byteLength).toString('base64')
      return [FORM, build, before, keys, salt, bits].join('.')
    },
  }
}
