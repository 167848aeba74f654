import type { Codec, Image, Seen, Store, Swapped } from '../../contracts.ts'
import { WarmTokenError } from '../../errors.ts'
import { asFields, asText, asTime, isTime, parseJson } from '../../lib/parse.ts'

/** Where a ticket is kept. */
export interface TicketBox {
  readonly store: Store
  readonly codec: Codec | undefined
  readonly key: string
}

/** The version of the record's form. */
const SCHEMA = 1
/** The longest record that is parsed, in characters. */
const MAX_RECORD = 64 * 1024
/** The longest ticket that is accepted, in characters. */
const MAX_TICKET = 4 * 1024
/** How often a put tries against other puts and lost answers. */
const MAX_PUTS = 6
/** How long one call may take in all unless its caller gives a signal, in ms. */
const TIMEOUT = 3_000
/** How long the backend keeps a ticket, in ms: it pushes one every hour, so an older one is of no use. */
const KEEP = 7 * 86_400_000

/** A ticket as it rests. */
interface Kept {
  readonly sealed: string
  /** When it was pushed, as far as that is known. */
  readonly at: number | undefined
}

/** The value as a ticket: printable ASCII without spaces. */
export function asTicket(value: unknown): string | undefined {
  const text = asText(value, MAX_TICKET)
  return text !== undefined && /^[\x21-\x7e]+$/.test(text) ? text : undefined
}

/** Resolves to the newest ticket. */
export async function getTicket(
  { store, codec, key }: TicketBox,
  { signal = AbortSignal.timeout(TIMEOUT) }: { readonly signal?: AbortSignal },
): Promise<string | undefined> {
  const { image } = await store.read(key, { signal, consistent: true })
  const kept = parse(image, key)
  if (kept === undefined) return undefined
  try {
    return asTicket(codec === undefined ? kept.sealed : await codec.open(kept.sealed, key))
  } catch {
    // Sealed with a key that is gone: as good as none, and the next push repairs it.
    return undefined
  }
}

/** Puts a ticket in by compare-and-swap, unless a newer one is there. */
export async function putTicket(
  { store, codec, key }: TicketBox,
  ticket: string,
  { at, signal = AbortSignal.timeout(TIMEOUT) }: { readonly at?: number | undefined; readonly signal?: AbortSignal },
): Promise<boolean> {
  if (asTicket(ticket) === undefined)
    throw new TypeError(`put: the ticket must be 1 to ${MAX_TICKET} printable characters`)
  if (at !== undefined && !isTime(at)) throw new TypeError('put: option "at" must be ms since 1970')
  const sealed = codec === undefined ? ticket : await seal(codec, ticket, key)
  let seen = await store.read(key, { signal, consistent: true })
  let [write, tag] = [compose(key, { sealed, at }, seen), crypto.randomUUID()]
  for (let attempt = 0; attempt < MAX_PUTS; attempt += 1) {
    if (write === undefined) return false
    const expected = seen.image
    const swapped: Swapped = await store.swap(key, { ...write, expected, tag }, { signal })
    if (swapped.outcome === 'swapped') return true
    // Repeated as it is while the answer is lost: the swap is idempotent in its tag.
    if (swapped.outcome === 'unknown') continue
    seen = swapped.seen
    if (seen.image?.tag === tag) return true
    write = compose(key, { sealed, at }, seen)
    tag = crypto.randomUUID()
  }
  throw notKept('the store gave no clear answer, or others were faster')
}

/** What is to be written on what is there; `undefined` when that is newer. */
function compose(
  key: string,
  { sealed, at }: Kept,
  { image, time }: Seen,
): { body: string; keepUntil: number } | undefined {
  const before = parse(image, key)?.at
  const now = time === undefined ? Date.now() : time.at + time.precision
  // A push from the future would keep every later one out.
  const pushedAt = at === undefined ? before : Math.min(at, now)
  if (at !== undefined && before !== undefined && Math.min(at, now) < before) return undefined
  return { body: JSON.stringify({ schema: SCHEMA, key, at: pushedAt, ticket: sealed }), keepUntil: now + KEEP }
}

function parse(image: Image | undefined, key: string): Kept | undefined {
  const fields = image === undefined || image.body.length > MAX_RECORD ? undefined : asFields(parseJson(image.body))
  const sealed = asText(fields?.['ticket'], MAX_RECORD)
  if (fields?.['schema'] !== SCHEMA || fields['key'] !== key || sealed === undefined) return undefined
  return { sealed, at: asTime(fields['at']) }
}

async function seal(codec: Codec, ticket: string, key: string): Promise<string> {
  try {
    return await codec.seal(ticket, key)
  } catch {
    // What a codec throws may quote what it was to seal.
    throw notKept('it could not be sealed')
  }
}

function notKept(why: string): WarmTokenError {
  return new WarmTokenError(`the app ticket was not kept: ${why}`, { code: 'FEISHU_TICKET_NOT_KEPT', retryable: true })
}
