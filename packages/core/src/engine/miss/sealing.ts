/** Values as sealed text, on their way to the file and the store and back. @module */

import type { Codec, Entry } from '../../contracts.ts'
import { asFields } from '../../lib/parse.ts'
import type { PublishedValue, WarmRecord } from '../../record/record.ts'
import type { Flight, MissContext, Shared } from '../context.ts'
import { type Bound, type Lifetime, unseal, withCodecTimeout } from '../file-hit.ts'
import { packEntry } from '../packed-entry.ts'
import { dropEmptyRare, rareOf, type Slot } from '../slot.ts'
import { placeEntry, wasRejected } from '../time/freshness.ts'
import type { ServerClock } from '../time/server-clock.ts'

/**
 * The value of an entry as sealed text, with the instants and the version of the entry; `undefined` when the codec failed: the
 * value is then stored nowhere.
 */
export async function seal<T>(context: MissContext, slot: Slot<T>, entry: Entry<T>): Promise<string | undefined> {
  const { value } = entry
  try {
    const json = slot.subject.print?.(value) ?? value
    // Without a codec nothing is authenticated.
    return await context.seal(JSON.stringify(context.codec ? bind(json, entry, context.place) : json), slot.key)
  } catch (error) {
    reportCodec(context, slot, { operation: 'seal', error })
    return undefined
  }
}

/** Whether the codec can seal now. Asked before something is spent that must not be lost. */
export async function canSeal<T>(context: MissContext, slot: Slot<T>): Promise<boolean> {
  try {
    await context.seal('{}', slot.key)
    return true
  } catch (error) {
    reportCodec(context, slot, { operation: 'seal', error })
    return false
  }
}

/** The entry of a published value; `undefined` when it cannot be opened, which counts as a miss. */
export async function openEntry<T>(
  context: MissContext,
  slot: Slot<T>,
  value: PublishedValue,
): Promise<Entry<T> | undefined> {
  return (await openValue(context, slot, value)).entry
}

/** The same, and where there is none whether that is because it could not be opened: then it must not be taken for absent. */
export async function openValue<T>(
  context: MissContext,
  slot: Slot<T>,
  { sealed, version, issuedAt, softExpiry, hardExpiry, fingerprint }: PublishedValue,
): Promise<{ readonly entry: Entry<T> | undefined; readonly isSealed: boolean }> {
  let error: unknown
  let isSealed = false
  try {
    const entry = await unseal(context, slot, { sealed, version, issuedAt, softExpiry, hardExpiry, fingerprint })
    if (entry !== undefined) return { entry: packEntry(entry), isSealed }
  } catch (thrown) {
    error = thrown
    isSealed = true
  }
  reportCodec(context, slot, { operation: 'open', error })
  return { entry: undefined, isSealed }
}

/** The same in a refresh, which opens a text once and dates the entry. */
export async function openPublished<T>(flight: Flight<T>, value: PublishedValue): Promise<Entry<T> | undefined> {
  const { context, slot, look } = flight
  if (flight.opened?.sealed !== value.sealed)
    flight.opened = { sealed: value.sealed, entry: await openEntry(context, slot, value) }
  const { entry } = flight.opened
  if (entry !== undefined && look !== undefined) slot.subject.guard?.date(entry, look)
  return entry
}

/** Places an entry that was found in the store, unless what is in memory was found later. */
export function placeFound<T>(context: MissContext, slot: Slot<T>, entry: Entry<T>): void {
  if (slot.subject.guard?.isOvertaken(slot, entry) === true) return
  placeEntry(context, slot, { entry, tier: 'store', ...context.server.interval() })
}

/** The record with what its value says of itself when it is opened, in place of what is written beside it. */
export function withOpened(record: WarmRecord, entry: Entry<unknown> | undefined): WarmRecord {
  if (record.value === undefined || entry === undefined) return record
  const { issuedAt, softExpiry, hardExpiry, fingerprint } = entry
  return { ...record, value: { ...record.value, issuedAt, softExpiry, hardExpiry, fingerprint } }
}

/** The value as JSON with what is sealed with it. A value that is not an object, or has such a field already, is wrapped. */
function bind<T>(value: T, { fingerprint, version, issuedAt, softExpiry, hardExpiry }: Lifetime, place = ''): object {
  const bound: Bound = [place, fingerprint, version, issuedAt, softExpiry, hardExpiry]
  const fields = asFields(value)
  return fields === undefined || 'bound' in fields || 'only' in fields ? { only: value, bound } : { ...fields, bound }
}

/** Writes the slot's entry into the file tier. `server`: the clock by which its instants are to be read. */
export async function writeFile<T>(
  context: MissContext,
  slot: Slot<T>,
  { server, sealed }: { readonly server: ServerClock; readonly sealed?: string | undefined },
): Promise<void> {
  const { entry, subject, key } = slot
  const { fileTier } = context
  // What cannot be spent twice is stored only where a swap decides.
  if (fileTier === undefined || entry === undefined || subject.source.exclusive !== undefined) return
  const text = sealed ?? (await seal(context, slot, entry))
  // It may have been rejected while it was sealed.
  if (text === undefined || slot.entry !== entry) return
  // Another process of this environment may have written a newer one meanwhile.
  const inFile = context.file?.read(key)?.lifetime
  if (inFile !== undefined && isNewer(inFile, entry) && !wasRejected(slot, inFile)) return
  const { version, issuedAt, softExpiry, hardExpiry, fingerprint } = entry
  fileTier.write(key, {
    lifetime: { version, issuedAt, softExpiry, hardExpiry, fingerprint },
    sealed: text,
    ...server.interval(),
    observed: server === context.server,
  })
}

/** Whether a value is newer than another. One that was never published has no version, so the time of its issue counts. */
function isNewer(one: Lifetime, other: Lifetime): boolean {
  const haveVersions = one.version > 0 && other.version > 0
  return haveVersions ? one.version > other.version : one.issuedAt > other.issuedAt
}

/** What seals values. Without a codec values are stored as they are, and the first write says so by an event. */
export function createSealer({ codec, emit }: Shared): Codec['seal'] {
  if (codec !== undefined) return (text, key) => withCodecTimeout(codec.seal(text, key))
  let reported = false
  return (text) => {
    if (!reported) emit({ type: 'plaintext' })
    reported = true
    return text
  }
}

/** Reports why the value in the file could not be opened, if it could not. */
export function reportUnopened(context: MissContext, slot: Slot<unknown>): void {
  const { unopened } = slot.rare ?? {}
  if (unopened === undefined) return
  rareOf(slot).unopened = undefined
  dropEmptyRare(slot)
  reportCodec(context, slot, { operation: 'open', error: unopened.error })
}

function reportCodec(
  { emit }: MissContext,
  { key }: Slot<unknown>,
  { operation, error }: { readonly operation: 'seal' | 'open'; readonly error: unknown },
): void {
  emit({ type: 'codec-error', key, operation, code: codeOf(error) })
}

/** What failed, by a code or a name. The message may quote the value or the key. */
function codeOf(error: unknown): string {
  const { code, name } = asFields(error) ?? {}
  if (typeof code === 'string' && /^[A-Z]{1,20}(_[A-Z]{1,20}){1,5}$/.test(code)) return code
  return typeof name === 'string' && /^(?!Error$)[A-Za-z]{1,60}$/.test(name) ? name : 'CODEC_FAILED'
}
