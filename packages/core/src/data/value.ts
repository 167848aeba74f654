import type { Json } from '../contracts.ts'
import { takeHanded } from './kept.ts'

/** How deep a value may nest. */
export const MAX_VALUE_DEPTH = 64

/** What is wrong with a value: where in it, such as `.items[3]`, and what is there. */
interface Fault {
  readonly path: string
  readonly why: string
}

/** A value that cannot be kept: it would not come back as it went in. Thrown before anything is written. */
export class ValueError extends TypeError {
  override readonly name = 'ValueError'
  /** `VALUE_INVALID` */
  readonly code = 'VALUE_INVALID'
  /** Where in the value, such as `$.items[3].at`. Names of fields only, never their values. */
  readonly path: string
  /** Whose value it is: the name of the resource, or else its key template. */
  readonly resource: string

  constructor(resource: string, { path, why }: Fault) {
    super(`a value of ${resource} cannot be kept: $${path} is ${why}`)
    this.path = `$${path}`
    this.resource = resource
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
  /** Whose value it is: the name of the resource, or else its key template. */
  readonly resource: string

  /** `hasBodies`: the cache has a store for bodies already. */
  constructor(
    resource: string,
    { bytes, limit, hasBodies }: { readonly bytes: number; readonly limit: number; readonly hasBodies: boolean },
  ) {
    const remedy = hasBodies
      ? 'split it, or store it elsewhere and cache its address'
      : 'set "bodies" to an s3Store, or split it'
    super(`a value of ${resource} cannot be kept: it takes ${bytes} bytes, and at most ${limit} are stored; ${remedy}`)
    this.bytes = bytes
    this.limit = limit
    this.resource = resource
  }
}

/**
 * Checks that a value is JSON and comes back the same: no cycles, BigInt, functions, symbols, `undefined` inside, numbers
 * that are not finite, dates, maps or other objects with a prototype of their own, nothing deeper than 64. Throws
 * {@link ValueError} that names the resource and the place.
 */
export function checkValue(resource: string, value: unknown): asserts value is Json {
  const fault = findFault(value, [])
  if (fault !== undefined) throw new ValueError(resource, fault)
}

/** Refuses what no form prints as it was meant: a promise, and what a loader's `keep` gave. Throws {@link ValueError}. */
export function refuseHanded(resource: string, value: unknown): void {
  const fault = findHanded(value, new Set())
  if (fault !== undefined) throw new ValueError(resource, fault)
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

/** `above`: what the value stands in; `path` begins after it. */
function findFault(value: unknown, above: object[]): Fault | undefined {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return undefined
  if (typeof value === 'number')
    return Number.isFinite(value) ? undefined : { path: '', why: `${value}, which JSON cannot hold` }
  const why = typeof value === 'object' ? whyNotJson(value, above) : nameOf(value)
  if (why !== undefined) return { path: '', why }
  above.push(value as object)
  const fault = findWithin(value as object, (inner) => findFault(inner, above))
  above.pop()
  return fault
}

function whyNotJson(value: object, above: readonly object[]): string | undefined {
  if (above.includes(value)) return 'a cycle'
  const why = whyNotData(value)
  if (why !== undefined) return why
  if (above.length >= MAX_VALUE_DEPTH) return `nested deeper than ${MAX_VALUE_DEPTH}`
  return Array.isArray(value) || isPlain(value)
    ? undefined
    : 'an object with a prototype of its own, such as a Date or a Map'
}

function findHanded(value: unknown, seen: Set<unknown>): Fault | undefined {
  if (typeof value !== 'object' || value === null || seen.has(value)) return undefined
  const why = whyNotData(value)
  if (why !== undefined) return { path: '', why }
  if (!Array.isArray(value) && !isPlain(value)) return undefined
  seen.add(value)
  return findWithin(value, (inner) => findHanded(inner, seen))
}

/** The first fault of an item or a field, with the step to it before its path. */
function findWithin(value: object, find: (inner: unknown) => Fault | undefined): Fault | undefined {
  if (Array.isArray(value)) {
    // By index, for a hole in the list is no item of it.
    for (let index = 0; index < value.length; index += 1) {
      const fault = find(value[index])
      if (fault !== undefined) return { ...fault, path: `[${index}]${fault.path}` }
    }
    return undefined
  }
  for (const [name, inner] of Object.entries(value)) {
    const fault = find(inner)
    if (fault !== undefined) return { ...fault, path: `.${name.slice(0, 64)}${fault.path}` }
  }
  return undefined
}

function whyNotData(value: object): string | undefined {
  if (value instanceof Promise) return 'a promise; await it'
  if (takeHanded(value) === undefined) return undefined
  return 'what keep, unchanged or skip gave; return it from the loader itself'
}

function nameOf(value: unknown): string {
  return value === undefined ? 'undefined; leave the field out or use null' : `a ${typeof value}`
}

/** Works across realms: the prototype of a plain object has none itself. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}
