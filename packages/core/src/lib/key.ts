import type { Json } from '../contracts.ts'
import { sha256 } from './hash.ts'
import { misuse } from './options.ts'
import { MAX_DEPTH } from './parse.ts'

/**
 * JSON with sorted names, so that the order in which options are written does not matter. Values are never joined by a
 * separator that they could contain. Throws `TypeError` for what JSON cannot hold.
 */
export function canonical(value: Json, depth: number = MAX_DEPTH): string {
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value))
    return JSON.stringify(value)
  if (depth > 0 && Array.isArray(value)) return `[${value.map((item: Json) => canonical(item, depth - 1))}]`
  if (depth > 0 && isPlain(value)) {
    const fields = Object.keys(value).sort()
    return `{${fields.map((name) => `${JSON.stringify(name)}:${canonical(value[name] ?? null, depth - 1)}`)}}`
  }
  return misuse('identity', `it must be JSON, at most ${MAX_DEPTH} deep`)
}

/** A map, a date or a URL has no fields of its own: any two of them would be one key. Works across realms. */
function isPlain(value: Json): value is { readonly [name: string]: Json } {
  return Boolean(value) && !Object.getPrototypeOf(Object.getPrototypeOf(value) ?? value)
}

/**
 * The key of a value: a readable prefix for operators, `~`, and a hash of everything that makes it differ from others.
 * One string is cache key, record key, single-flight key, file name (its hash) and authenticated data.
 */
export function makeKey(kind: string, namespace: string, identity: Json): string {
  return `${kind}~${sha256(canonical([kind, namespace, identity])).slice(0, 40)}`
}
