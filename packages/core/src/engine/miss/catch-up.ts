import type { LiveChange } from '../../contracts.ts'
import type { MissContext } from '../context.ts'
import type { Slot } from '../slot.ts'
import { isVouched, placeEntry, wasRejected } from '../time/freshness.ts'
import { readRecord } from './record-io.ts'
import { forget } from './refusals.ts'
import { openEntry, writeFile } from './sealing.ts'

/** How often the record is read in a row because more news came meanwhile. */
const MAX_READS = 10

/** The highest version that an event has named, for each slot whose record is being read. */
const wanted = new WeakMap<Slot<unknown>, { version: number; readonly done: Promise<void> }>()

/**
 * Replaces the entry in memory, and in the file, by that of the store when the store has a newer one; until it is there, and when
 * the store fails, the entry stays usable. Forgets an entry that was refused. Never rejects.
 */
export async function catchUp<T>(context: MissContext, slot: Slot<T>, { kind, version }: LiveChange): Promise<void> {
  if (kind === 'reject') return forgetRefused(context, slot, version)
  if (!isOlder(slot, version)) return
  const reading = wanted.get(slot)
  if (reading !== undefined) {
    reading.version = Math.max(reading.version, version)
    return reading.done
  }
  const news = { version, done: Promise.resolve() }
  const done = readNews(context, slot, news).finally(() => wanted.delete(slot))
  wanted.set(slot, Object.assign(news, { done }))
  return done
}

/** Whether there is an entry, and an older one. What is not in memory is read when it is asked for. */
function isOlder({ entry }: Slot<unknown>, version: number): boolean {
  return entry !== undefined && entry.version < Math.floor(version)
}

async function readNews<T>(context: MissContext, slot: Slot<T>, news: { readonly version: number }): Promise<void> {
  const { signal } = new AbortController()
  for (let reads = 0; reads < MAX_READS && isOlder(slot, news.version); reads += 1) {
    const { version } = news
    const read = await readRecord(context, slot, { consistent: true, signal }).catch(() => undefined)
    const value = read?.record.value
    const entry = value && (await openEntry(context, slot, value).catch(() => undefined))
    if (entry !== undefined && isOlder(slot, entry.version) && !wasRejected(slot, entry)) {
      placeEntry(context, slot, { entry, tier: 'store', ...context.server.interval() })
      await writeFile(context, slot, { server: context.server, sealed: value?.sealed }).catch(() => undefined)
    }
    // The next caller looks at the store; the entry is usable meanwhile.
    if (read === undefined) slot.freshUntil = 0
    if (news.version === version) return
  }
}

function forgetRefused(context: MissContext, slot: Slot<unknown>, version: number): void {
  const { entry } = slot
  if (entry === undefined || entry.version === 0 || entry.version > version) return
  if (isVouched(context.clock, slot, entry.fingerprint)) return
  forget(slot, entry)
  const inFile = context.fileTier?.read(slot.key)?.lifetime
  if (inFile !== undefined && wasRejected(slot, inFile)) context.fileTier?.remove(slot.key)
}
