import type { Json } from '../contracts.ts'
import { takeHanded } from './kept.ts'

/** How deep a value may nest. */
export const MAX_VALUE_DEPTH = 64

/** A value that cannot be kept: it would not come back as it went in. Thrown before anything is written. */
export class ValueError extends TypeError {
  override readonly name = 'ValueError'
  /** `VALUE_INVALID` */
  readonly code = 'VALUE_INVALID'
  /** Where in the value, such as `$.items[3].at`. Names of fields only, never their values. */
  readonly path: string

  constructor(path: string, why: string) {
    super(`the value cannot be kept: ${path} is ${why}`)
    this.path = path
  }
}

/** A value is too large to be stored. Thrown before anything is written. */
export class ValueTooLargeError extends TypeError {
  override readonly name = 'ValueTooLargeError'
  /** `VALUE_TOO_LARGE` */
  readonly code = 'VALUE_TOO_LARGE'
  /** Its length as it would be stored, compressed and sealed, and the longest, in bytes. */
  readonly bytes: number
  readonly limit: number

  /** `hasBodies`: the cache has a store for bodies already. */
  constructor(bytes: number, limit: number, hasBodies: boolean) {
    const remedy = hasBodies
      ? 'split it, or store it elsewhere and cache its address'
      : 'set "bodies" to an s3Store, or split it'
    super(`the value cannot be kept: it takes ${bytes} bytes, and at most ${limit} are stored; ${remedy}`)
    this.bytes = bytes
    this.limit = limit
  }
}

/**
 * Checks that a value is JSON and comes back the same: no cycles, BigInt, functions, symbols, `undefined` inside, numbers
 * that are not finite, dates, maps or other objects with a prototype of their own, nothing deeper than 64. Throws
 * {@link ValueError} that names the place.
 */
export function checkValue(value: unknown): asserts value is Json {
  check(value, '$', [])
}

/** Refuses what no form prints as it was meant: a promise, and what a loader's `keep` gave. Throws {@link ValueError}. */
export function refuseHanded(value: unknown, path = '$', seen: Set<unknown> = new Set()): void {
  if (typeof value !== 'object' || value === null || seen.has(value)) return
  refuseOne(value, path)
  if (!Array.isArray(value) && !isPlain(value)) return
  seen.add(value)
  for (const [name, inner] of Object.entries(value)) refuseHanded(inner, `${path}.${name.slice(0, 64)}`, seen)
}

/**
 * The same value, frozen with everything in it, as far as it can be: every caller gets the same object. The bytes of a buffer, and
 * what a `Map` or `Set` holds, stay open.
 */
export function freezeValue<T>(value: T, seen: Set<unknown> = new Set()): T {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || seen.has(value)) return value
  // What is frozen already may hold what is not.
  seen.add(Object.freeze(value))
  for (const inner of Object.values(value)) freezeValue(inner, seen)
  return value
}

function check(value: unknown, path: string, above: readonly object[]): void {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new ValueError(path, `${value}, which JSON cannot hold`)
    return
  }
  if (typeof value !== 'object') throw new ValueError(path, nameOf(value))
  if (above.includes(value)) throw new ValueError(path, 'a cycle')
  refuseOne(value, path)
  if (above.length >= MAX_VALUE_DEPTH) throw new ValueError(path, `nested deeper than ${MAX_VALUE_DEPTH}`)
  const within = [...above, value]
  if (Array.isArray(value)) {
    // By index, for a hole in the list is no element of it.
    for (let index = 0; index < value.length; index += 1) check(value[index], `${path}[${index}]`, within)
    return
  }
  if (!isPlain(value)) throw new ValueError(path, 'an object with a prototype of its own, such as a Date or a Map')
  for (const [name, inner] of Object.entries(value)) check(inner, `${path}.${name.slice(0, 64)}`, within)
}

function refuseOne(value: object, path: string): void {
  if (value instanceof Promise) throw new ValueError(path, 'a promise; await it')
  if (takeHanded(value) === undefined) return
  throw new ValueError(path, 'what keep, unchanged or skip gave; return it from the loader itself')
}

function nameOf(value: unknown): string {
  return value === undefined ? 'undefined; leave the field out or use null' : `a ${typeof value}`
}

/** Works across realms: the prototype of a plain object has none itself. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}
