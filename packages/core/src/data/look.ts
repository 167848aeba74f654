/** Looking at a record, with all that judges its value, and the guard by which the engine does so. @module */

import type { Entry } from '../contracts.ts'
import { attemptRead, readRecord, type Snapshot } from '../engine/miss/record-io.ts'
import { openValue, withOpened } from '../engine/miss/sealing.ts'
import type { Getting, Guard, Look } from '../engine/slot.ts'
import { isAlive } from '../engine/time/expiry.ts'
import { StoreError } from '../errors.ts'
import { remove } from '../record/transitions.ts'
import { readBody } from './bodies.ts'
import { switchesOf } from './control.ts'
import { isPlausible } from './generations.ts'
import { type Cached, type Home, type Item, knownTags } from './home.ts'
import { judge, type Under } from './judge.ts'
import { isDamaged, readGenerations } from './read-generations.ts'
import {
  applyLimits,
  boundOf,
  checkedAtOf,
  dateEntry,
  isAlone,
  isOlder,
  isOvertaken,
  judgeUnder,
  verdict,
} from './verdict.ts'

/** What nothing rests on. */
const NOTHING: Under = { tags: [], root: 0 }

/** A load that began this much later than a call began after it, in ms: the clock may tick in whole ms. */
const TICK = 1

/** Thrown through the engine when the switches of the resource do not allow what it is about to do. Callers never see it. */
export class SwitchedOff extends Error {}

/** Makes the guard by which the engine looks and judges for a cache. */
export function createGuard(home: Home): Guard<Cached<unknown>> {
  const { knowledge, memory, itemOf, context } = home

  const judgeEntry: Guard<Cached<unknown>>['judge'] = (slot, entry, demand) => {
    const { since, maxAge } = demand
    const item = itemOf(slot)
    const { made } = entry.value
    // Loaded since the call began, so it is as new as the call may ask for, whatever has been invalidated meanwhile.
    if (made !== undefined && since !== undefined && made.at >= since + TICK) return 'good'
    if (maxAge !== undefined && since !== undefined && isOlder(home, entry, { ...demand, since, maxAge })) return 'dead'
    const asOf = entry === slot.entry ? item.checkedAt : checkedAtOf(home, entry)
    if (since !== undefined && since > asOf + boundOf(home, item)) return 'dead'
    return verdict(home, item, entry)
  }

  return {
    async read(store, slot, options) {
      const item = itemOf(slot)
      const { found, look } = await readGenerations(home, store, { tags: knownTags(item), options, key: slot.key })
      // One that was sent earlier may be answered later.
      item.lookedAt = Math.max(item.lookedAt, look.sentAt)
      return { ...(found.get(slot.key) ?? { image: undefined, time: undefined }), look }
    },
    date: dateEntry,
    prepare(slot, entry, look) {
      const item = itemOf(slot)
      const { enabled, readOnly } = switchesOf(knowledge.control, item.source.name)
      if (!enabled || readOnly) throw new SwitchedOff()
      return prepareLook(home, item, { entry, ...look })
    },
    isOvertaken: (slot, { value }) => isOvertaken(itemOf(slot), value.seenAt),
    judge: judgeEntry,
    release(slot, { value: { value, problem } }, record) {
      if (value !== undefined || problem !== undefined) return undefined
      const item = itemOf(slot)
      // The load began under the lease, so what the record has held since before is older than that there is none.
      const removed = remove(record, Math.ceil(context().server.latest() ?? 0))
      item.least = Math.max(item.least, removed.rejected + 1)
      applyLimits(home, item)
      return removed
    },
    limit(slot) {
      const item = itemOf(slot)
      item.softUntil = slot.freshUntil
      item.hardUntil = slot.usableUntil
      item.relaxedUntil = 0
      const { entry } = slot
      item.checkedAt = entry === undefined ? item.lookedAt : checkedAtOf(home, entry)
      if (entry !== undefined && isAlone(entry)) home.alone.add(item)
      else home.alone.delete(item)
      memory.resize(item)
      applyLimits(home, item)
    },
    relax(slot, until) {
      const item = itemOf(slot)
      item.relaxedUntil = Math.max(until, context().clock.fast())
      applyLimits(home, item)
    },
  }
}

/** What a look of its own, outside a refresh, has found. */
export interface Found<V> {
  readonly snapshot: Snapshot
  /**
   * The entry in the record, if nothing forbids it. One that a change of this environment has replaced since the look was sent
   * counts too: it is what stood in the record then.
   */
  readonly entry: Entry<Cached<V>> | undefined
  /** What could not be read of a value that is there, so that it must not be taken for absent. */
  readonly unread: 'value' | 'body' | undefined
}

/** Looks at the record of an item, with all that judges its value. Rejects with `StoreError`. */
export async function lookAt<V>(home: Home, item: Item<V>, signal: AbortSignal): Promise<Found<V>> {
  const context = await home.reach()
  return openFound(home, item, { snapshot: await readRecord(context, item.slot, { consistent: true, signal }), signal })
}

/** Opens and judges what a snapshot of the record holds. */
export async function openFound<V>(
  home: Home,
  item: Item<V>,
  { snapshot, signal }: { readonly snapshot: Snapshot; readonly signal: AbortSignal },
): Promise<Found<V>> {
  const { slot } = item
  const context = home.context()
  const { look = { sentAt: item.lookedAt, asOf: item.lookedAt } } = snapshot
  const { value } = snapshot.record
  const { entry, isSealed = false } = value === undefined ? {} : await openValue(context, slot, value)
  if (entry !== undefined) dateEntry(entry, look)
  await prepareLook(home, item, { entry, ...look, signal })
  const record = withOpened(snapshot.record, entry)
  const found = { snapshot, entry: undefined, unread: undefined }
  if (!isAlive({ record, ...context.server.interval() })) return found
  // What it rests on is sealed with it, so it may be good or dead.
  if (entry === undefined) return { ...found, unread: isSealed ? 'value' : undefined }
  if (judgeUnder(item, entry.value.under, home.knowledge) === 'dead') return found
  if (entry.value.unread === undefined) return { ...found, entry }
  return { ...found, unread: entry.value.isOther === true ? undefined : 'body' }
}

/** Throws `StoreError` where a value is there that could not be read: what derives from it must not take it for absent. */
export function checkRead({ slot: { key } }: Item, { unread }: Pick<Found<unknown>, 'unread'>): void {
  if (unread === undefined) return
  const [message, code] =
    unread === 'body'
      ? [`the body of ${key} could not be read`, 'STORE_BODY_UNREAD']
      : [`the value of ${key} could not be opened`, 'STORE_VALUE_UNREAD']
  throw new StoreError(`${message}; call it again, or delete the key`, { key, retryable: true, code })
}

/** An entry that a look has found, if it has, and how what judges it is got. */
interface Finding extends Look, Getting {
  readonly entry: Entry<Cached<unknown>> | undefined
}

/** Gets what is missing before an entry can be judged, and another one be loaded; `undefined`: nothing is. */
function prepareLook(home: Home, item: Item, finding: Finding): Promise<void> | undefined {
  const { entry, asOf } = finding
  const own = new Set(item.tags)
  item.lateTags = entry?.value.under.tags.flatMap(([tag]) => (own.has(tag) ? [] : [tag])) ?? []
  const missing = missingFor(home, item, { entry, asOf })
  return missing && getMissing(home, item, { missing, ...finding })
}

/** What is missing before an entry can be judged. `''` is the root. */
interface Missing {
  /** Generations to read. */
  readonly tags: readonly string[]
  /** Whether a record that the item rests on is damaged. */
  readonly isDamaged: boolean
  /** Whether the body must be read. */
  readonly hasBody: boolean
}

function missingFor(home: Home, item: Item, { entry, asOf }: Pick<Finding, 'entry' | 'asOf'>): Missing | undefined {
  const { knowledge } = home
  const under = entry?.value.under ?? NOTHING
  const unread = knownTags(item).filter((tag) => knowledge.checkedAt(tag) < asOf)
  // One request may have read the generation before it was raised, and the record after: they are read again before a number
  // that is lower than the entry's counts as lost.
  const lost = lostOf(home, under)
  const hasBody = entry?.value.unread !== undefined && judge(item.plain, under, knowledge).outcome !== 'dead'
  const tags = [...new Set([...unread, ...lost.map(([tag]) => tag)])]
  const missing = { tags, isDamaged: damagedOf(home, item).length > 0, hasBody }
  return tags.length > 0 || missing.isDamaged || hasBody ? missing : undefined
}

/** Reads generations, repairs what is damaged, then reads the body in a time of its own: a slow one is no outage of the store. */
async function getMissing(
  home: Home,
  item: Item,
  { missing, entry, signal, endsAt }: Finding & { readonly missing: Missing },
): Promise<void> {
  const { knowledge, emit, repair } = home
  const context = home.context()
  const under = entry?.value.under ?? NOTHING
  const { key } = item.slot
  const getGenerations = async (inner: AbortSignal): Promise<void> => {
    const tags = missing.tags.filter((tag) => tag !== '')
    // Reads the root too. A number that is lower now, after the entry was read, was lost.
    if (missing.tags.length > 0)
      await readGenerations(home, context.store, { tags, options: { signal: inner, consistent: true } })
    for (const [tag, number] of lostOf(home, under)) {
      emit({ type: 'generation-lost', tag })
      knowledge.lose(tag, number)
    }
    for (const tag of damagedOf(home, item)) await repair(tag)
  }
  if (missing.tags.length > 0 || missing.isDamaged) await attemptRead(context, { key, signal }, getGenerations)
  if (missing.hasBody && entry !== undefined) await readBody(home, item, { cached: entry.value, signal, endsAt })
}

/**
 * Numbers that an entry has seen and that are lower now. One that no record would hold shows that the entry is damaged, and
 * nothing about the record.
 */
function lostOf({ knowledge, context }: Home, { tags, root }: Under): Under['tags'] {
  const latest = context().server.latest() ?? 0
  return [['', root] as const, ...tags].filter(
    ([tag, number]) => number > knowledge.numberOf(tag) && isPlausible(number, latest),
  )
}

/** Records that the item rests on and that are damaged. */
function damagedOf(home: Home, item: Item): readonly string[] {
  return ['', ...knownTags(item)].filter((tag) => isDamaged(home, tag))
}
