import type { Json } from './contracts.ts'
import { sha256 } from './hash.ts'

/** Identities nest no deeper than this. */
const MAX_DEPTH = 16

/**
 * JSON with sorted names, so that the order in which options are written does not matter. Values are never joined by a
 * separator that they could contain. Throws `TypeError` for what JSON cannot hold.
 */
export const canonical = (value: Json, depth = 0): string => {
  if (depth > MAX_DEPTH) throw new TypeError('the identity of a source nests too deep')
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value))
    return JSON.stringify(value)
  if (isList(value)) return `[${value.map((item) => canonical(item, depth + 1)).join(',')}]`
  if (!isPlain(value)) throw new TypeError('the identity of a source holds something that is not JSON')
  const fields = Object.keys(value)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${canonical(value[name] ?? null, depth + 1)}`)
  return `{${fields.join(',')}}`
}

const isList = (value: Json): value is readonly Json[] => Array.isArray(value)

/** A map, a date or a URL has no fields of its own: any two of them would be one key. Works across realms. */
const isPlain = (value: Json): value is { readonly [name: string]: Json } => {
  if (typeof value !== 'object') return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/**
 * The key of a value: a readable prefix for operators, `~`, and a hash of everything that makes it differ from others.
 * One string is cache key, record key, single-flight key, file name (its hash) and authenticated data.
 */
export const makeKey = (kind: string, namespace: string, identity: Json): string =>
  `${kind}~${sha256(canonical([kind, namespace, identity])).slice(0, 40)}`
