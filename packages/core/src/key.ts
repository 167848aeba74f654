import type { Json } from './contracts.ts'
import { sha256 } from './hash.ts'
import { misuse } from './misuse.ts'

/** Identities nest no deeper than this. */
const MAX_DEPTH = 16

/**
 * JSON with sorted names, so that the order in which options are written does not matter. Values are never joined by a
 * separator that they could contain. Throws `TypeError` for what JSON cannot hold.
 */
export const canonical = (value: Json, depth = 0): string => {
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value))
    return JSON.stringify(value)
  if (depth < MAX_DEPTH && Array.isArray(value)) return `[${value.map((item: Json) => canonical(item, depth + 1))}]`
  if (depth < MAX_DEPTH && isPlain(value)) {
    const fields = Object.keys(value).sort()
    return `{${fields.map((name) => `${JSON.stringify(name)}:${canonical(value[name] ?? null, depth + 1)}`)}}`
  }
  return misuse('identity', `it must be JSON, at most ${MAX_DEPTH} deep`)
}

/** A map, a date or a URL has no fields of its own: any two of them would be one key. Works across realms. */
const isPlain = (value: Json): value is { readonly [name: string]: Json } =>
  Boolean(value) && !Object.getPrototypeOf(Object.getPrototypeOf(value) ?? value)

/**
 * The key of a value: a readable prefix for operators, `~`, and a hash of everything that makes it differ from others.
 * One string is cache key, record key, single-flight key, file name (its hash) and authenticated data.
 */
export const makeKey = (kind: string, namespace: string, identity: Json): string =>
  `${kind}~${sha256(canonical([kind, namespace, identity])).slice(0, 40)}`
