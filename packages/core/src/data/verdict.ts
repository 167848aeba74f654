/** What may be done with an entry, and until when: by its generations, its age, and what this environment has changed. @module */

import type { Entry } from '../contracts.ts'
import type { Demand, Look } from '../engine/slot.ts'
import { DRIFT_TOLERANCE } from '../engine/time/clock.ts'
import { switchesOf } from './control.ts'
import type { Cached, Home, Item } from './home.ts'
import { judge, type Under, type View } from './judge.ts'

/** The share of `recheck` from which on entries are rechecked in the background. */
export const EARLY_SHARE = 0.5

/** Lowers the limits of an item's slot to what its entry was judged by, and to what is known now. */
export function applyLimits(home: Home, item: Item): void {
  const { slot, softUntil, hardUntil, checkedAt, relaxedUntil } = item
  const { entry } = slot
  if (entry === undefined) return
  const judged = verdict(home, item, entry)
  const { enabled, bypass } = switchesOf(home.knowledge.control, item.source.name)
  const isRelaxed = relaxedUntil > checkedAt + home.recheck
  const until = checkedAt - DRIFT_TOLERANCE + boundOf(home, item)
  const usable = isRelaxed ? Math.min(until, relaxedUntil) : until
  const early = !isRelaxed && home.context().background() ? usable - home.recheck * EARLY_SHARE : usable
  // What it rests on may be forgotten, and would count as never invalidated.
  if (judged === 'dead' && isAlone(entry)) item.hardUntil = 0
  slot.usableUntil = judged === 'dead' ? 0 : Math.floor(Math.min(hardUntil, usable))
  slot.freshUntil = judged !== 'good' || !enabled || bypass ? 0 : Math.floor(Math.min(softUntil, early))
}

/**
 * What may be done with an entry, by all that this environment knows. What was never read forbids, except for a value that this
 * environment has loaded without the store: it is as young as its load, and served for `recheck` at most.
 */
export function verdict(home: Home, item: Item, entry: Entry<Cached<unknown>>): 'good' | 'stale' | 'dead' {
  const { made, under } = entry.value
  if (entry.value.unread !== undefined) return 'dead'
  // This environment has changed the key since.
  if (entry.version > 0 ? entry.version < item.least : made !== undefined && made.changes < item.changes) return 'dead'
  return judgeUnder(item, under, isAlone(entry) ? home.knowledge.assumed : home.knowledge)
}

/** Whether this environment has loaded an entry, and no store has it. */
export function isAlone({ version, value }: Entry<Cached<unknown>>): boolean {
  return version === 0 && value.made !== undefined
}

/** What generations make of an entry: what was never read, or has lost a number, forbids. */
export function judgeUnder({ plain }: Item, under: Under, view: View): 'good' | 'stale' | 'dead' {
  const judged = judge(plain, under, view)
  return judged.outcome === 'good' || judged.outcome === 'stale' ? judged.outcome : 'dead'
}

/** As of when an entry is judged: of its load, or of what was read: the record, everything, and each tag. */
export function checkedAtOf({ knowledge }: Home, { value }: Entry<Cached<unknown>>): number {
  const { made, seenAt = Number.NEGATIVE_INFINITY, under } = value
  if (made !== undefined && made.at > seenAt) return made.at
  return Math.min(seenAt, knowledge.checkedAt(''), ...under.tags.map(([tag]) => knowledge.checkedAt(tag)))
}

/** An entry was found in the record by a look, or by another one again. */
export function dateEntry({ value }: Entry<Cached<unknown>>, { sentAt }: Pick<Look, 'sentAt'>): void {
  value.seenAt = Math.max(value.seenAt ?? Number.NEGATIVE_INFINITY, sentAt)
}

/** Whether a look was answered that was sent after the one that has shown an entry. What was made here came of no look. */
export function isOvertaken({ lookedAt }: Item, seenAt: number | undefined): boolean {
  return seenAt !== undefined && seenAt < lookedAt
}

/** Judges what is in memory again by generations that have changed. Every entry rests on the root. */
export function judgeAgain(home: Home, changed: ReadonlySet<string>): void {
  const isConcerned = (item: Item): boolean =>
    changed.has('') ||
    item.tags.some((tag) => changed.has(tag)) ||
    item.slot.entry?.value.under.tags.some(([tag]) => changed.has(tag)) === true
  for (const item of home.memory.items()) if (isConcerned(item)) applyLimits(home, item)
}

/** For how long after its last check an entry may be served. */
export function boundOf({ recheck, unchecked, context }: Home, { relaxedUntil }: Item): number {
  return context().clock.fast() < relaxedUntil ? Math.max(unchecked, 0) : recheck
}

/** Whether the load of an entry may have started more than `maxAge` before a call began. */
export function isOlder(
  { context }: Home,
  { value, issuedAt }: Entry<Cached<unknown>>,
  { since, slowSince, instant = since, maxAge }: Demand & { readonly since: number; readonly maxAge: number },
): boolean {
  if (value.made !== undefined) return value.made.at < instant - maxAge
  const { clock, server } = context()
  // The age has an upper bound, and the time since the call began a lower one: both hold although a clock steps meanwhile.
  const age = (server.latest() ?? 0) - issuedAt
  const elapsed = slowSince === undefined ? 0 : clock.slow() - slowSince
  return age > elapsed + maxAge
}
