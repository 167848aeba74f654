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

/** What a value says: the state of the truth that it was loaded from, and how often it was updated since. */
export interface Value {
  readonly n: number
  readonly updates: number
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

/** An invalidation and the keys that it concerns. */
export interface Aim {
  readonly what: Invalidation
  readonly keys: readonly Params[]
}

/** What may be invalidated. */
export const AIMS: readonly [Aim, ...Aim[]] = [
  { what: { tags: ['t:0'] }, keys: ALL.filter(({ id }) => id === 0) },
  { what: { tags: ['t:1'] }, keys: ALL.filter(({ id }) => id === 1) },
  { what: { tags: ['late:0'] }, keys: ALL.filter(({ id, part }) => id === 0 && part === 'b') },
  { what: { tags: ['late:1'] }, keys: ALL.filter(({ id, part }) => id === 1 && part === 'b') },
  { what: { match: 'p:0:*' }, keys: ALL.filter(({ id }) => id === 0) },
  { what: { match: '*:a' }, keys: ALL.filter(({ part }) => part === 'a') },
  { what: { match: 'p:1*' }, keys: ALL.filter(({ id }) => id === 1) },
  { what: { everything: true }, keys: ALL },
]
