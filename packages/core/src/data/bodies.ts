/** Large values: compressed, and beyond 8 KB in an immutable record of their own, which is written before the head points to it. @module */

import type { Json } from '../contracts.ts'
import { withCodecTimeout } from '../engine/file-hit.ts'
import { attemptSwap } from '../engine/miss/record-io.ts'
import type { Getting } from '../engine/slot.ts'
import { createServerClock } from '../engine/time/server-clock.ts'
import { StoreError } from '../errors.ts'
import { builtin } from '../lib/builtin.ts'
import { withDeadline } from '../lib/timing.ts'
import type { BodyPointer, Envelope } from './envelope.ts'
import type { Cached, DataSource, Home, Item } from './home.ts'
import { ValueTooLargeError } from './value.ts'

/** The longest sealed value that stands in the head, in bytes. Environments that wait read the head often. */
const MAX_INLINE = 8_192
/** From this length on a text is compressed, in characters. */
const COMPRESS_FROM = 2_048
/** The longest body in the store, in bytes: a DynamoDB item holds 400 KB. */
const MAX_IN_STORE = 350 * 1_024
/** With a store for bodies, longer ones go there. */
const MAX_BESIDE_HEAD = 32 * 1_024
/** The longest body there, in bytes. */
const MAX_BODY = 5 * 1_048_576
/** The longest text that may lie there as it is, in bytes: sealing makes it a third longer. */
const MAX_PLAIN = 3.5 * 1_048_576
/** The longest text that a compressed one may become, in bytes. */
const MAX_TEXT = 64 * 1_048_576
/** In what pieces a compressed text is opened, in bytes. */
const MIN_CHUNK = 16 * 1_024
const MAX_CHUNK = 1_048_576
/** How much longer than its value a body is kept, in ms: environments may still be reading it. */
const KEEP_LONGER = 7 * 86_400_000
/** How often a write is repeated whose answer was lost. */
const MAX_REPEATS = 2
/** How long a body may take to be written, in ms. */
const WRITE_TIMEOUT = 2_500
/** The share of a call's time that reading a body may take: the rest is there to load the value again. */
const READ_SHARE = 0.5

/**
 * The cached value with what stands for it in the head; writes its body where it is large. Throws `ValueTooLargeError` before
 * anything is written, and `StoreError` when the body could not be.
 */
export async function packCached<V>(
  home: Home,
  { source }: Item<V>,
  cached: Cached<V>,
  usable: number,
): Promise<Cached<V>> {
  const { content: _content, unread: _unread, ...plain } = cached
  if (cached.value === undefined) return plain
  const text = JSON.stringify(source.print(cached.value).json)
  if (text.length < COMPRESS_FROM) return plain
  const { seal, runtime } = home.context()
  const zip = compress(text, home.bodies !== undefined)
  const key = `body~${runtime.unique()}`
  let sealed: string
  try {
    sealed = await seal(zip === undefined ? `j${text}` : `z${zip}`, key)
  } catch {
    // Sealing the head will fail too, and be reported.
    return plain
  }
  const bytes = Buffer.byteLength(sealed)
  if (bytes <= MAX_INLINE) return { ...plain, ...(zip !== undefined && { content: { kind: 'zip', zip } }) }
  const isFar = await writeBody(home, { key, sealed, bytes, usable, resource: source.name })
  return { ...plain, content: { kind: 'body', pointer: { key, length: text.length, isFar } } }
}

/** What stands in the head: the value, or where its body lies. */
export function contentOf<V>(source: DataSource<V>, { value, content }: Cached<V>): Envelope['content'] {
  if (value === undefined) return { kind: 'none' }
  return content ?? { kind: 'value', value: source.print(value).json }
}

/** The JSON of a compressed text, and the length of that text; `undefined` when it is none, or longer than 64 MB. */
export function inflate(zip: string): { readonly json: Json; readonly length: number } | undefined {
  try {
    const text = gunzip(zip)
    return { json: JSON.parse(text) as Json, length: text.length }
  } catch {
    return undefined
  }
}

/**
 * Reads the body of a cached value that was found in a head, unless memory has it. Where that fails the value stays unread, which
 * counts as a miss; an event says so.
 */
export async function readBody(
  home: Home,
  item: Item,
  { cached, signal, endsAt }: Getting & { readonly cached: Cached<unknown> },
): Promise<void> {
  const pointer = cached.unread
  if (pointer === undefined) return
  const known = item.slot.entry?.value
  if (known?.content?.kind === 'body' && known.content.pointer.key === pointer.key && known.unread === undefined) {
    cached.value = known.value
    cached.unread = undefined
    return
  }
  const { runtime, policy, clock } = home.context()
  const left = endsAt === undefined ? Number.POSITIVE_INFINITY : Math.max(0, endsAt - clock.fast())
  const ms = Math.floor(Math.min(policy.storeTimeout, left * READ_SHARE))
  const read = await withDeadline(runtime, { ms, signal }, (inner) => openBody(home, pointer, inner))
  const isRead = read.outcome === 'done' && read.value !== undefined
  const parsed = isRead ? item.source.parse(read.value) : undefined
  cached.isOther = isRead && parsed === undefined
  if (parsed === undefined) {
    home.emit({ type: 'body-unread', key: item.slot.key })
    return
  }
  cached.value = parsed.value
  cached.unread = undefined
}

async function openBody(
  home: Home,
  { key, length, isFar }: BodyPointer,
  signal: AbortSignal,
): Promise<Json | undefined> {
  const { store, codec } = home.context()
  const place = isFar ? home.bodies : store
  await place?.open?.()
  const seen = await place?.read(key, { signal, consistent: true })
  if (seen?.image === undefined) return undefined
  const { body } = seen.image
  const text = codec === undefined ? body : await withCodecTimeout(codec.open(body, key))
  const json = text.startsWith('z') ? gunzip(text.slice(1), length) : text.slice(1)
  return json.length === length ? (JSON.parse(json) as Json) : undefined
}

/** Writes a body where it belongs. Resolves to whether that is the store for bodies. */
async function writeBody(
  home: Home,
  {
    key,
    sealed,
    bytes,
    usable,
    resource,
  }: {
    readonly key: string
    readonly sealed: string
    readonly bytes: number
    readonly usable: number
    readonly resource: string
  },
): Promise<boolean> {
  const context = home.context()
  const isFar = home.bodies !== undefined && bytes > MAX_BESIDE_HEAD
  const hasBodies = home.bodies !== undefined
  const limit = hasBodies ? MAX_BODY : MAX_IN_STORE
  if (bytes > limit) throw new ValueTooLargeError(resource, { bytes, limit, hasBodies })
  const store = isFar && home.bodies !== undefined ? home.bodies : context.store
  const { server, runtime, policy } = context
  const keepUntil = Math.ceil(server.latest() ?? runtime.wall()) + usable + KEEP_LONGER
  const swap = { expected: undefined, body: sealed, tag: runtime.unique(), keepUntil }
  const patient = {
    ...context,
    store,
    // Versions and expiries rest on the clock of the store that holds the heads.
    server: isFar ? createServerClock(context.clock) : server,
    policy: { ...policy, storeTimeout: Math.max(policy.storeTimeout, WRITE_TIMEOUT) },
  }
  for (let attempt = 0; attempt <= MAX_REPEATS; attempt += 1) {
    const { result } = await attemptSwap(patient, { key, signal: undefined }, swap)
    if (result.outcome === 'swapped') return isFar
  }
  const message = `the ${store.name} store did not store a body of ${bytes} bytes in time; call it again`
  throw new StoreError(message, { key, retryable: true, code: 'STORE_TIMEOUT' })
}

/**
 * Compressed, as base64, if that is worth it. A table charges for each KB, so there it need only be shorter. In a store for bodies
 * it must be half as long: unpacking 1 MB takes 1 to 3 ms of a whole processor.
 */
function compress(text: string, hasBodies: boolean): string | undefined {
  const zip = builtin('zlib').gzipSync(text, { level: 1 }).toString('base64')
  const length = Buffer.byteLength(text)
  const isFar = hasBodies && zip.length > MAX_BESIDE_HEAD && length <= MAX_PLAIN
  return zip.length < (isFar ? length / 2 : length) ? zip : undefined
}

/** `length`: about how long the text is. One piece of this size takes two thirds of the time of many small ones. */
function gunzip(zip: string, length = MIN_CHUNK): string {
  const chunkSize = Math.min(Math.max(length, MIN_CHUNK), MAX_CHUNK)
  const bytes = builtin('zlib').gunzipSync(Buffer.from(zip, 'base64'), { maxOutputLength: MAX_TEXT, chunkSize })
  return bytes.toString('utf8')
}
