/** Changes of single keys by compare-and-swap: set, update, touch, delete. Each drops the lease, so older loads are fenced. @module */

import type { Entry } from '../contracts.ts'
import { type Snapshot, type SwapResult, swapRecord } from '../engine/miss/record-io.ts'
import { seal } from '../engine/miss/sealing.ts'
import { packEntry } from '../engine/packed-entry.ts'
import { placeEntry } from '../engine/time/freshness.ts'
import { StoreError, WarmTokenError } from '../errors.ts'
import { sleep } from '../lib/timing.ts'
import { MAX_REFRESHES, type Refresh, type WarmRecord } from '../record/record.ts'
import { nextVersion, publish, remove } from '../record/transitions.ts'
import { packCached } from './bodies.ts'
import { switchesOf } from './control.ts'
import type { ChangeEvent } from './events.ts'
import type { Cached, Home, Item } from './home.ts'
import { type Found, lookAt, openFound } from './look.ts'
import { dateEntry, isOvertaken } from './verdict.ts'

/** How often a change is tried, each time on the record that is there then. */
const MAX_ATTEMPTS = 12
/** How often a write is repeated whose answer was lost, before the record is read. */
const MAX_REPEATS = 2
/** The longest pause after a conflict, in ms. It grows by 1.7 from 10. */
const MAX_PAUSE = 250

/** A value to write, with its instants on the server's clock. */
export type Draft<V> = Pick<Entry<Cached<V>>, 'value' | 'issuedAt' | 'softExpiry' | 'hardExpiry' | 'fingerprint'>

/**
 * What a change makes of the entry that may be served, if there is one: a value to write, `'remove'`, or `undefined` when
 * nothing is to be written.
 */
export type Plan<V> = (entry: Entry<Cached<V>> | undefined, found: Found<V>) => Promise<Draft<V> | 'remove' | undefined>

/**
 * Changes the record of an item, and places in memory what was written. Resolves once the store has acknowledged it; rejects
 * with `StoreError`, code `STORE_UNKNOWN` when it may have been written.
 */
export async function changeItem<V>(home: Home, item: Item<V>, plan: Plan<V>): Promise<void> {
  item.changing += 1
  try {
    await change(home, item, plan)
  } finally {
    item.changing -= 1
  }
}

async function change<V>(home: Home, item: Item<V>, plan: Plan<V>): Promise<void> {
  const context = await home.reach()
  const { runtime, clock } = context
  const { key } = item.slot
  const startedAt = clock.fast()
  const tell = (outcome: ChangeEvent['outcome'], attempts: number): void =>
    home.emit({ type: 'change', key, outcome, attempts, took: Math.round(clock.fast() - startedAt) })
  const signal = NEVER
  let found = await lookToChange(home, item)
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const draft = await plan(found.entry, found)
    if (draft === undefined) return
    const written = await writeDraft(home, item, { snapshot: found.snapshot, draft })
    if (written.outcome === 'unknown') {
      tell('unknown', attempt + 1)
      const message = `the change of ${key} may have been written, or may still be: the answers were lost; read it before you repeat it`
      throw new StoreError(message, { key, retryable: true, code: 'STORE_UNKNOWN' })
    }
    if (written.outcome === 'written') return tell('written', attempt + 1)
    if (attempt === 0 && written.snapshot !== undefined) {
      // A conflict shows the record without its generations: those of the last look count.
      const snapshot = { ...written.snapshot, look: found.snapshot.look }
      found = await openFound(home, item, { snapshot, signal })
      continue
    }
    await sleep(runtime, runtime.random() * Math.min(MAX_PAUSE, 10 * 1.7 ** attempt), signal)
    found = await lookToChange(home, item)
  }
  tell('conflict', MAX_ATTEMPTS)
  throw new StoreError(`the record of ${key} changed too often; call it again`, {
    key,
    retryable: true,
    code: 'CONFLICT',
  })
}

/**
 * Looks at a record that is about to be changed. Rejects with `StoreError`, and with `WarmTokenError`, code `CACHE_READ_ONLY`,
 * while the resource is switched to read-only: the look itself shows the switches, so it holds where they were never seen.
 */
export async function lookToChange<V>(home: Home, item: Item<V>): Promise<Found<V>> {
  const found = await lookAt(home, item, NEVER)
  const { source, slot } = item
  if (!switchesOf(home.knowledge.control, source.name).readOnly) return found
  const message = `${source.name} is switched to read-only; switch it back with cache.control`
  throw new WarmTokenError(message, { code: 'CACHE_READ_ONLY', key: slot.key, retryable: true })
}

/** What became of one write. */
export type Attempted =
  /** `unknown`: it may have been written, or may still be. */
  | { readonly outcome: 'written' }
  | { readonly outcome: 'unknown' }
  /** Another write came first; the record as it is then, where that is known. */
  | { readonly outcome: 'conflict'; readonly snapshot: Snapshot | undefined }

/** Writes once over a record as it was seen, and finds out what became of it. Rejects only when nothing was written. */
export async function writeDraft<V>(
  home: Home,
  item: Item<V>,
  { snapshot, draft }: { readonly snapshot: Snapshot; readonly draft: Draft<V> | 'remove' },
): Promise<Attempted> {
  const context = home.context()
  const { runtime } = context
  const tag = runtime.unique()
  const { record, entry } = await draftRecord(home, item, { before: snapshot.record, draft, tag })
  const send = () => swapRecord(context, record, { expected: snapshot.image, tag, signal: undefined })
  const sentAt = context.clock.fast()
  const first = await send()
  if (first.outcome === 'conflict') return first
  // Whatever a repeat or a look fails with, the first may have been applied.
  const { result, there } =
    first.outcome === 'swapped' ? { result: first, there: undefined } : await settleUnknown(home, item, send)
  if (result?.outcome === 'swapped') {
    adoptWritten(home, item, { record, entry, sentAt })
    return { outcome: 'written' }
  }
  // It was written, and another write has followed.
  if (there !== undefined && hasMark(there.record, tag)) {
    adoptWritten(home, item, { record, entry: undefined, sentAt })
    return { outcome: 'written' }
  }
  const isRefuted =
    there !== undefined && there.image?.tag !== snapshot.image?.tag && listsAllSince(snapshot.record, there.record)
  if (isRefuted) return { outcome: 'conflict', snapshot: there }
  // What is in memory may be older than what was written. What the store holds may still be served.
  item.changes += 1
  forget(home, item)
  return { outcome: 'unknown' }
}

/** Repeats a swap whose answer was lost, which is idempotent in its tag, and looks at the record when that does not help. */
async function settleUnknown<V>(
  home: Home,
  item: Item<V>,
  send: () => Promise<SwapResult>,
): Promise<{ readonly result?: SwapResult; readonly there?: Snapshot | undefined }> {
  try {
    for (let repeat = 0; repeat < MAX_REPEATS; repeat += 1) {
      const result = await send()
      if (result.outcome === 'swapped') return { result }
      if (result.outcome === 'conflict') return { there: result.snapshot }
    }
    return { there: (await lookAt(home, item, NEVER)).snapshot }
  } catch {
    return {}
  }
}

/** A signal that never aborts. */
export const NEVER: AbortSignal = new AbortController().signal

/** The record as it is to be written. Its list of refreshes names the write, so that it is recognized when others follow. */
export async function draftRecord<V>(
  home: Home,
  item: Item<V>,
  {
    before,
    draft,
    tag,
    isPacked = false,
  }: {
    readonly before: WarmRecord
    readonly draft: Draft<V> | 'remove'
    readonly tag: string
    /** The value was found in a head, so its body is there already. */
    readonly isPacked?: boolean
  },
): Promise<{ readonly record: WarmRecord; readonly entry: Entry<Cached<V>> | undefined }> {
  const context = home.context()
  const { slot } = item
  const now = Math.ceil(context.server.latest() ?? 0)
  const mark = (fingerprint: string): Refresh => [now, context.environment(), 0, `write ${tag}`, fingerprint]
  if (draft === 'remove') {
    const removed = remove(before, now)
    return {
      record: { ...removed, refreshes: [...before.refreshes, mark('')].slice(-MAX_REFRESHES) },
      entry: undefined,
    }
  }
  const life = Math.max(0, draft.hardExpiry - now)
  const packed = isPacked ? draft.value : await packCached(home, item, draft.value, life)
  const entry: Entry<Cached<V>> = { ...draft, value: packed, version: nextVersion(before, now) }
  const sealed = await seal(context, slot, entry)
  if (sealed === undefined)
    throw new WarmTokenError(
      `the value of ${slot.key} cannot be sealed; see the event codec-error, and check the codec`,
      {
        code: 'CODEC_FAILED',
        key: slot.key,
        retryable: true,
      },
    )
  const { version, issuedAt, softExpiry, hardExpiry, fingerprint } = entry
  const value = { sealed, version, issuedAt, softExpiry, hardExpiry, fingerprint, publisher: tag }
  return { record: publish(before, { ...value, now, refresh: mark(fingerprint) }), entry }
}

function hasMark({ refreshes }: WarmRecord, tag: string): boolean {
  return refreshes.some(([, , , what]) => what === `write ${tag}`)
}

/** Whether a record still lists every write that followed an earlier state of it: then a write without its mark was none. */
function listsAllSince(before: WarmRecord, { refreshes }: WarmRecord): boolean {
  const last = before.refreshes.at(-1)
  if (last === undefined) return refreshes.length < MAX_REFRESHES
  return refreshes.some((refresh) => refresh.every((part, index) => part === last[index]))
}

/** Adopts a record whose write was acknowledged: what is older is not served here any more. */
export function adoptWritten<V>(
  home: Home,
  item: Item<V>,
  {
    record,
    entry,
    sentAt,
  }: {
    readonly record: WarmRecord
    readonly entry: Entry<Cached<V>> | undefined
    /** `clock.fast()` before it was sent: what others wrote until then was there, or was overwritten. */
    readonly sentAt: number
  },
): void {
  const context = home.context()
  const { slot } = item
  const version = record.value?.version ?? record.rejected + 1
  item.changes += 1
  // Answers of two changes may come in the other order.
  if (version < item.least) return
  item.least = version
  if (entry !== undefined) {
    dateEntry(entry, { sentAt })
    // A look that was sent after it, and answered before, may have shown what others wrote next.
    if (isOvertaken(item, sentAt) && slot.entry !== undefined && slot.entry.version > entry.version) return
    placeEntry(context, slot, { entry: packEntry(entry), tier: 'store', ...context.server.interval() })
    return
  }
  forget(home, item)
}

/** Drops the entry in memory: the next caller looks at the store. */
export function forget(home: Home, item: Item): void {
  const { slot } = item
  slot.entry = undefined
  slot.view = undefined
  slot.freshUntil = 0
  slot.usableUntil = 0
  home.memory.resize(item)
}
