import type { Json } from '../contracts.ts'
import type { Shared } from './context.ts'
import type { Slot } from './slot.ts'
import { anchorAt, DRIFT_TOLERANCE } from './time/clock.ts'
import { placeEntry } from './time/freshness.ts'

/** How long a codec may take, in ms: KMS is asked three times at most for a data key, 800 ms each. */
const CODEC_TIMEOUT = 3_000

/** Reads the file of a slot, and places its entry when that is usable and outlives the one in memory. */
export async function readFile<T>(shared: Shared, slot: Slot<T>, rejected: string | undefined): Promise<void> {
  const found = shared.file?.read(slot.key)
  if (!found) return
  const { lifetime, sealed, earliest, latest, observed } = found
  if (lifetime.fingerprint === rejected || lifetime.hardExpiry <= Math.max(latest, slot.entry?.hardExpiry ?? 0)) return
  const value = await unseal(shared, slot, sealed)
  if (value === undefined) return
  // A new process learns the server's time from the file, until a store reports it better.
  if (observed) shared.knownTime.anchor ??= anchorAt(shared.clock, earliest, latest)
  placeEntry(shared, slot, {
    entry: { value, ...lifetime },
    tier: 'file',
    earliest,
    latest: latest + DRIFT_TOLERANCE,
  })
}

/** The value in a sealed text; `undefined` when it cannot be opened. The slot then holds the reason for the miss path. */
export async function unseal<T>({ codec }: Shared, slot: Slot<T>, sealed: string): Promise<T | undefined> {
  let error: unknown
  try {
    const text = codec ? await withCodecTimeout(codec.open(sealed, slot.key)) : sealed
    const value = slot.subject.parse(JSON.parse(text) as Json)
    if (value !== undefined) return value
  } catch (thrown) {
    // Sealed for another key, by a key that is gone, or not sealed at all.
    error = thrown
  }
  slot.rare = { ...slot.rare, unopened: { error } }
  return undefined
}

/** What a codec returns. A codec that hangs counts as failed: it must not hold a call forever. */
export function withCodecTimeout(result: string | Promise<string>): string | Promise<string> {
  return typeof result === 'string'
    ? result
    : Promise.race([result, new Promise<never>((_, reject) => setTimeout(reject, CODEC_TIMEOUT).unref())])
}
