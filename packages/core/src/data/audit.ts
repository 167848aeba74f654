/** The last changes of the switches of a cache, in its root record: who, when, what. For people; nothing is decided by it. @module */

import type { Json } from '../contracts.ts'
import { asLine } from '../lib/line.ts'
import { asTime } from '../lib/parse.ts'

/** How many changes are remembered. */
const MAX_CHANGES = 5
/** The longest name with its reason, and the longest text of a change, in characters: they share the record with the patterns. */
const MAX_TEXT = 120

/** A change of the switches. */
export interface SwitchChange {
  /** In ms since 1970, on the store's clock. */
  readonly at: number
  readonly by: string
  /** Such as `leaderboard enabled: false`. */
  readonly what: string
}

/** The changes in an untrusted root record, newest last. What is not in order is left out. */
export function parseChanges(json: unknown): readonly SwitchChange[] {
  return Array.isArray(json) ? json.slice(-MAX_CHANGES).flatMap(parseChange) : []
}

/** The changes with one more, as JSON. */
export function addChange(before: unknown, { at, by, what }: SwitchChange): Json {
  const known = parseChanges(before).map((one): Json => [one.at, one.by, one.what])
  const next: Json = [Math.floor(at), asLine(by, MAX_TEXT) ?? '', asLine(what, MAX_TEXT) ?? '']
  return [...known, next].slice(-MAX_CHANGES)
}

function parseChange(item: unknown): readonly SwitchChange[] {
  const [first, second, third] = Array.isArray(item) ? (item as readonly unknown[]) : []
  const [at, by, what] = [asTime(first), asLine(second, MAX_TEXT), asLine(third, MAX_TEXT)]
  return at === undefined || by === undefined || what === undefined ? [] : [{ at, by, what }]
}
