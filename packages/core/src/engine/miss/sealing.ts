import type { Codec, Entry } from '../../contracts.ts'
import { asFields } from '../../lib/parse.ts'
import type { PublishedValue } from '../../record/record.ts'
import type { Parts, Shared, Slot } from '../context.ts'
import { unseal } from '../file-hit.ts'
import { compactEntry } from '../packed-entry.ts'
import { asideOf, tidyAside } from '../slot.ts'
import type { ServerClock } from '../time/server-clock.ts'
import { bounded } from './bounded.ts'

/** Writes the slot's entry into the file tier. */
export async function writeFile<T>(parts: Parts, slot: Slot<T>, server: ServerClock, sealed?: string): Promise<void> {
  const { entry, subject } = slot
  // What cannot be spent twice rests where a swap decides, and nowhere else.
  if (parts.fileTier === undefined || entry === undefined || subject.source.exclusive !== undefined) return
  const text = sealed ?? (await seal(parts, slot, entry.value))
  // It may have been rejected while it was sealed.
  if (text === undefined || slot.entry !== entry) return
  const { version, issuedAt, softExpiry, hardExpiry, fingerprint } = entry
  parts.fileTier.write(slot.key, {
    lifetime: { version, issuedAt, softExpiry, hardExpiry, fingerprint },
    sealed: text,
    earliest: server.earliest() ?? 0,
    latest: server.latest() ?? 0,
    observed: server === parts.server,
  })
}

/** The entry in a published value; `undefined` when it cannot be opened, which then counts as a miss. */
export async function openEntry<T>(
  parts: Parts,
  slot: Slot<T>,
  published: PublishedValue,
): Promise<Entry<T> | undefined> {
  const value = await unseal(parts, slot, published.sealed)
  tellOfShut(parts, slot)
  if (value === undefined) return undefined
  const { sealed: _sealed, publisher: _publisher, ...lifetime } = published
  return compactEntry({ value, ...lifetime })
}

/** The value as text for rest; `undefined` when the codec failed: then it does not rest anywhere. */
export async function seal<T>(parts: Parts, slot: Slot<T>, value: T): Promise<string | undefined> {
  try {
    return await parts.seal(JSON.stringify(value), slot.key)
  } catch (error) {
    tellOfCodec(parts, slot, 'seal', error)
    return undefined
  }
}

/** Whether the codec can seal now; asked before something is spent that must not be lost. */
export async function canSeal(parts: Parts, slot: Slot<unknown>): Promise<boolean> {
  try {
    await parts.seal('{}', slot.key)
    return true
  } catch (error) {
    tellOfCodec(parts, slot, 'seal', error)
    return false
  }
}

/** Tells why a value could not be opened, if one could not. */
export function tellOfShut(parts: Parts, slot: Slot<unknown>): void {
  const { shut } = slot.aside ?? {}
  if (shut === undefined) return
  asideOf(slot).shut = undefined
  tidyAside(slot)
  tellOfCodec(parts, slot, 'open', shut.error)
}

function tellOfCodec({ emit }: Parts, { key }: Slot<unknown>, operation: 'seal' | 'open', error: unknown): void {
  emit({ type: 'codec-error', key, operation, code: codeOf(error) })
}

/** What failed, by a code or a name: its message may quote what was to be sealed, or the key. */
function codeOf(error: unknown): string {
  const { code, name } = asFields(error) ?? {}
  if (typeof code === 'string' && /^[A-Z]{1,20}(_[A-Z]{1,20}){1,5}$/.test(code)) return code
  return typeof name === 'string' && /^(?!Error$)[A-Za-z]{1,60}$/.test(name) ? name : 'CODEC_FAILED'
}

/** What seals values for rest. Without a codec nothing does, and the first write says so. */
export function sealerOf({ codec, emit }: Shared): Codec['seal'] {
  if (codec !== undefined) return (text, key) => bounded(codec.seal(text, key))
  let said = false
  return (text) => {
    if (!said) emit({ type: 'plaintext' })
    said = true
    return text
  }
}

/** Life left, at least, in ms. */
export function remaining({ clock }: Shared, slot: Slot<unknown>): number {
  return Math.max(0, slot.usableUntil - clock.fast())
}
