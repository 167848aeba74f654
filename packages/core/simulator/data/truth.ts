import type { Invalidation } from '../../src/data/types.ts'

/** The keys of a run: two ids, two parts. */
export interface Params {
  readonly id: number
  readonly part: 'a' | 'b'
}

/** All keys. */
export const ALL: readonly [Params, ...Params[]] = [
  { id: 0, part: 'a' },
  { id: 0, part: 'b' },
  { id: 1, part: 'a' },
  { id: 1, part: 'b' },
]

/** What a value says. */
export interface Value {
  /** The plain key that it belongs to. */
  readonly of: string
  /** The state of the truth that it was loaded from. */
  readonly n: number
  /** How often it was updated since. */
  readonly updates: number
  /** Set where an update has made it of nothing. */
  readonly created?: true
  /** What makes it large. */
  readonly pad?: string
}

/** The plain key of parameters. */
export function plainOf({ id, part }: Params): string {
  return `p:${id}:${part}`
}

/** Tags that are known from the parameters. */
export function tagsOf({ id }: Pick<Params, 'id'>): readonly string[] {
  return [`t:${id}`]
}

/** Tags that only the loader names. */
export function lateTagsOf({ id, part }: Params): readonly string[] {
  return part === 'b' ? [`late:${id}`] : []
}

/** Every fifth state of a key is that there is no value. */
export function isNone(n: number): boolean {
  return n % 5 === 4
}

/** The first state from `n` on in which there is a value. */
export function nextValue(n: number): number {
  return isNone(n) ? n + 1 : n
}

/** Whether "there is none" was true in any state from one to another. */
export function hasNone(from: number, to: number): boolean {
  return from + ((9 - (from % 5)) % 5) <= to
}

/** How large the values of a run are. `far`: some take more than the head's store should hold. */
export type Size = 'small' | 'large' | 'far'

/** Letters of which nothing can be compressed: about a quarter is all that level 1 gains, and base64 loses it again. */
function noise(length: number): string {
  let text = ''
  for (let state = 1; text.length < length; state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0)
    text += String.fromCharCode(48 + ((state >>> 24) % 75))
  return text
}

/** More than stands in a head. */
const APART = noise(9_000)
/** Compressed, it stands in a head. */
const COMPRESSED = 'compressed '.repeat(250)
/** More than lies beside a head. */
const FAR = noise(34_000)

/** What makes the value of a key large in a run. */
export function padOf({ id, part }: Params, size: Size): Pick<Value, 'pad'> {
  if (size === 'small' || part === 'a') return {}
  if (id === 1) return { pad: COMPRESSED }
  return { pad: size === 'far' ? FAR : APART }
}

/** An invalidation and the keys that it concerns. */
export interface Aim {
  readonly what: Invalidation
  readonly keys: readonly Params[]
  /** By tags that the loader names with a value: "there is none" has no such tags. */
  readonly isLate?: true
}

/** What may be invalidated. */
export const AIMS: readonly [Aim, ...Aim[]] = [
  { what: { tags: ['t:0'] }, keys: ALL.filter(({ id }) => id === 0) },
  { what: { tags: ['t:1'] }, keys: ALL.filter(({ id }) => id === 1) },
  { what: { tags: ['late:0'] }, keys: ALL.filter(({ id, part }) => id === 0 && part === 'b'), isLate: true },
  { what: { tags: ['late:1'] }, keys: ALL.filter(({ id, part }) => id === 1 && part === 'b'), isLate: true },
  { what: { match: 'p:0:*' }, keys: ALL.filter(({ id }) => id === 0) },
  { what: { match: '*:a' }, keys: ALL.filter(({ part }) => part === 'a') },
  { what: { match: 'p:1*' }, keys: ALL.filter(({ id }) => id === 1) },
  { what: { everything: true }, keys: ALL },
]
