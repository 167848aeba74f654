import type { Entry, Json } from '../contracts.ts'
import { asFields, isTime, isToken } from '../lib/parse.ts'
import type { Shared } from './context.ts'
import type { Slot } from './slot.ts'
import { anchorAt, DRIFT_TOLERANCE } from './time/clock.ts'
import { placeEntry, wasRejected } from './time/freshness.ts'

/** How long a codec may take, in ms: KMS is asked three times at most for a data key, 800 ms each. */
const CODEC_TIMEOUT = 3_000

/** When a value begins and ends, and which one it is. */
export type Lifetime = Omit<Entry<unknown>, 'value'>

/**
 * What is sealed together with a value: the place that it is for, and its fingerprint, version and instants. A JSON list in
 * the field `bound` of the value; releases that do not know that field read over it.
 */
export type Bound = readonly [
  place: string,
  fingerprint: string,
  version: number,
  issuedAt: number,
  softExpiry: number,
  hardExpiry: number,
]

/** Reads the file of a slot, and places its entry when that is usable and outlives the one in memory. */
export async function readFile<T>(shared: Shared, slot: Slot<T>, rejected: string | undefined): Promise<void> {
  const found = shared.file?.read(slot.key)
  if (!found) return
  const { lifetime, sealed, earliest, latest, observed } = found
  const isUseful = (one: Lifetime): boolean =>
    one.fingerprint !== rejected &&
    !wasRejected(slot, one) &&
    one.hardExpiry > Math.max(latest, slot.entry?.hardExpiry ?? 0)
  if (!isUseful(lifetime)) return
  let error: unknown
  const entry = await unseal(shared, slot, { ...lifetime, sealed }).catch((thrown: unknown) => {
    error = thrown
  })
  // The miss path reports it.
  if (!entry) slot.rare = { ...slot.rare, unopened: { error } }
  if (!entry || !isUseful(entry)) return
  // A new process learns the server's time from the file, until a store reports it better.
  if (observed) shared.knownTime.anchor ??= anchorAt(shared.clock, earliest, latest)
  placeEntry(shared, slot, { entry, tier: 'file', earliest, latest: latest + DRIFT_TOLERANCE })
}

/**
 * The entry in a sealed text; `undefined` when it is no value of the subject. Throws when it cannot be opened: it was sealed for
 * another key, by a key that is gone or not available now, or not at all. What is written beside the text is not authenticated, so
 * it can only shorten the life of the value.
 */
export async function unseal<T>(
  { codec, place }: Shared,
  slot: Slot<T>,
  { sealed, ...beside }: Lifetime & { readonly sealed: string },
): Promise<Entry<T> | undefined> {
  const text = codec ? await withCodecTimeout(codec.open(sealed, slot.key)) : sealed
  const json = JSON.parse(text) as Json
  const { bound, ...fields } = (codec && asFields(json)) ?? {}
  const lifetime = Array.isArray(bound) ? lifetimeOf(bound, beside, place) : beside
  const value = slot.subject.parse(
    lifetime === beside ? json : (('only' in fields ? fields['only'] : fields) as Json),
    text.length,
  )
  if (value !== undefined) return { value, ...lifetime }
  return undefined
}

/** What was sealed with the value counts; of the instants beside it, the earlier ones. Throws when it is for another place. */
function lifetimeOf(bound: readonly unknown[], beside: Lifetime, place: string | undefined): Lifetime {
  const [from, fingerprint, version, issuedAt, softExpiry, hardExpiry] = bound as Bound
  const isIntact = isToken(fingerprint) && [version, issuedAt, softExpiry, hardExpiry].every(isTime)
  if (!isIntact || (place && from && from !== place))
    throw Object.assign(new Error('sealed for another store'), { code: 'SEALED_ELSEWHERE' })
  return {
    fingerprint,
    version,
    issuedAt,
    softExpiry: Math.min(softExpiry, beside.softExpiry),
    hardExpiry: Math.min(hardExpiry, beside.hardExpiry),
  }
}

/** What a codec returns. A codec that hangs counts as failed: it must not hold a call forever. */
export function withCodecTimeout(result: string | Promise<string>): string | Promise<string> {
  return typeof result === 'string'
    ? result
    : Promise.race([result, new Promise<never>((_, reject) => setTimeout(reject, CODEC_TIMEOUT).unref())])
}

/**
 * Waits for a file to be read, at most `ms`: a codec that hangs must not take more time than the caller has. The default time of
 * a call is longer than a codec may take.
 */
export function within(ms: number = CODEC_TIMEOUT, reading: Promise<void>): Promise<void> {
  if (ms >= CODEC_TIMEOUT) return reading
  let timer: NodeJS.Timeout | undefined
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  return Promise.race([reading, over]).finally(() => clearTimeout(timer))
}
