import { RedisError } from './redis-error.ts'

/** What a key holds: a string or a hash; hash fields are kept under the latin1 text of their bytes. */
export type Value =
  | { readonly kind: 'string'; readonly data: Buffer }
  | { readonly kind: 'hash'; readonly fields: Map<string, Buffer> }

interface Entry {
  readonly value: Value
  /** Instant in ms from which the key is gone; undefined for never. */
  readonly expiry: number | undefined
}

/** All keys of one in-memory server. Keys are the latin1 text of their bytes, so that any bytes make a key. */
export interface Keyspace {
  /** Server time in ms. */
  now(): number
  /** The value, or undefined when the key is absent or expired. */
  get(key: string): Value | undefined
  /** Instant the key expires at; undefined for never or when absent. */
  expiry(key: string): number | undefined
  /** Replaces value and expiry. */
  set(key: string, value: Value, expiry?: number): void
  /** Changes the expiry of a key that exists; an instant that has passed removes it. */
  setExpiry(key: string, expiry: number | undefined): void
  /** Removes the key; false when it was absent. */
  delete(key: string): boolean
  /** All keys that have not expired. */
  keys(): readonly string[]
  /** Removes everything. */
  clear(): void
}

/** Makes an empty keyspace; expiry is checked on every access. */
export function createKeyspace(now: () => number): Keyspace {
  const entries = new Map<string, Entry>()

  const live = (key: string): Entry | undefined => {
    const entry = entries.get(key)
    if (entry?.expiry === undefined || now() < entry.expiry) return entry
    entries.delete(key)
    return undefined
  }

  return {
    now,
    get: (key) => live(key)?.value,
    expiry: (key) => live(key)?.expiry,
    set: (key, value, expiry) => entries.set(key, { value, expiry }),
    setExpiry: (key, expiry) => {
      const entry = live(key)
      if (entry) entries.set(key, { value: entry.value, expiry })
    },
    delete: (key) => {
      const existed = live(key) !== undefined
      entries.delete(key)
      return existed
    },
    keys: () => [...entries.keys()].filter((key) => live(key) !== undefined),
    clear: () => entries.clear(),
  }
}

/** The string at a key; throws RedisError `WRONGTYPE` when it holds a hash. */
export function readString(keyspace: Keyspace, key: string): Buffer | undefined {
  const value = keyspace.get(key)
  if (value?.kind === 'hash') throw wrongType()
  return value?.data
}

/** The fields of the hash at a key; throws RedisError `WRONGTYPE` when it holds a string. */
export function readHash(keyspace: Keyspace, key: string): Map<string, Buffer> | undefined {
  const value = keyspace.get(key)
  if (value?.kind === 'string') throw wrongType()
  return value?.fields
}

function wrongType(): RedisError {
  return new RedisError('WRONGTYPE Operation against a key holding the wrong kind of value')
}
