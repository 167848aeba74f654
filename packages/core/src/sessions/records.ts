/** Records in the store: one read, one change by conditional writes. @module */

import type { Codec, Image, Runtime, Seen, Store, Swap, Swapped } from '../contracts.ts'
import type { Clock } from '../engine/time/clock.ts'
import type { ServerClock } from '../engine/time/server-clock.ts'
import { StoreError } from '../errors.ts'
import { makeKey } from '../lib/key.ts'
import { asFields, asText } from '../lib/parse.ts'
import { sleep, type Timed, withDeadline } from '../lib/timing.ts'
import type { RecordCache } from './cache.ts'
import type { SessionListener } from './events.ts'
import type { Interval } from './judge.ts'
import { keepUntilOf, MAX_BODY, parseRecord, printRecord, type UserRecord } from './record.ts'
import { selectorOf } from './token.ts'
import { nextVersion, withoutEnded } from './transitions.ts'

/** How long a change may take in all, in ms. A token is returned within it, or never: see `ABSENT_SLACK`. */
export const CHANGE_TIMEOUT = 8_000
/** How often a change is tried, each time on the record that is there then. */
const MAX_ATTEMPTS = 200
/** How often a write is repeated whose answer is lost. */
const MAX_REPEATS = 4
/** The longest pause after a conflict, in ms. */
const MAX_PAUSE = 150
/** How long a codec may take, in ms. */
const CODEC_TIMEOUT = 3_000
/** After a failure the store is left alone for so long, in ms. */
const DOWN_PAUSE = 1_000

/** What the requests need. */
export interface RecordParts {
  readonly store: Store
  readonly codec: Codec | undefined
  readonly namespace: string
  readonly storeTimeout: number
  readonly runtime: Runtime
  readonly clock: Clock
  readonly server: ServerClock
  readonly cache: RecordCache
  readonly emit: SessionListener
}

/** What a change makes of the record that is there; `undefined` for a record: nothing is written. */
export interface Planned<T> {
  readonly record: UserRecord | undefined
  readonly result: T
}

/** A change: the record without the sessions that have ended, the server's time, and the version that it will get. */
export type Change<T> = (record: UserRecord | undefined, now: Interval, version: number) => Planned<T>

/** The records of all users. */
export interface Records {
  /** Reads the record of a selector into the cache, consistently. Rejects with `StoreError` when it cannot be learned. */
  load(key: string): Promise<void>
  /**
   * Changes the record of a key and resolves to the result once the store has acknowledged it. The change is called again
   * for each conflict, and once more where the answer to a write was lost and another followed it.
   */
  change<T>(key: string, change: Change<T>): Promise<T>
  /** The same, but `undefined` where another write came first. */
  tryChange<T>(key: string, change: Change<T>): Promise<T | undefined>
  /** The server's time now. */
  now(): Interval
}

interface Sight {
  readonly image: Image | undefined
  readonly record: UserRecord | undefined
}

type Step<T> =
  | { readonly outcome: 'done'; readonly result: T }
  | { readonly outcome: 'conflict'; readonly sight: Sight }

/** Makes the access to the records of a store. */
export function createRecords(parts: RecordParts): Records {
  const { store, runtime, clock, server, cache, emit } = parts
  let downUntil = 0
  let fault: StoreError | undefined

  const now = (): Interval => ({
    earliest: Math.floor(server.earliest() ?? runtime.wall()),
    latest: server.latest() ?? runtime.wall(),
  })

  const request = async <T>(
    key: string,
    operation: 'read' | 'swap',
    call: (signal: AbortSignal) => Promise<T>,
  ): Promise<T | undefined> => {
    if (fault !== undefined && clock.fast() < downUntil) throw fault
    await store.open?.().catch(() => undefined)
    const timed = await withDeadline(runtime, { ms: parts.storeTimeout, patient: true }, call)
    if (timed.outcome === 'done') {
      fault = undefined
      return timed.value
    }
    const error = asStoreError(store.name, key, timed)
    emit({ type: 'store-error', key, operation, code: error.code })
    // What became of a write whose answer is lost shows when it is repeated.
    if (operation === 'swap' && timed.outcome === 'timed-out') return undefined
    fault = error
    downUntil = clock.fast() + DOWN_PAUSE
    throw error
  }

  /** Takes in what the store showed. */
  const take = async (key: string, seen: Seen, sentAt: number, sent: number): Promise<Sight> => {
    server.observe(seen.time ?? { at: runtime.wall(), precision: 0 }, sentAt)
    const { earliest, latest } = now()
    const { image } = seen
    const record = image && (await open(parts, key, image, latest))
    cache.adopt(selectorOf(key), { record, sentAt, sent, earliest, bytes: image?.body.length ?? 0 })
    return { image, record }
  }

  const read = async (key: string): Promise<Sight> => {
    const [sentAt, sent] = [clock.fast(), cache.next()]
    const seen = await request(key, 'read', (signal) => store.read(key, { signal, consistent: true }))
    if (seen === undefined) throw asStoreError(store.name, key, { outcome: 'timed-out' })
    const sight = await take(key, seen, sentAt, sent)
    emit({ type: 'session-read', key, found: sight.record !== undefined })
    return sight
  }

  /** Writes, and repeats the same write while its answer is lost: it is idempotent in its tag. */
  const write = async (
    key: string,
    record: UserRecord,
    { expected, announce }: Pick<Swap, 'expected' | 'announce'>,
  ): Promise<Sight | 'swapped'> => {
    const body = await seal(parts, key, printRecord(record))
    const swap = { expected, body, tag: runtime.unique(), keepUntil: keepUntilOf(record, now().latest), announce }
    for (let repeat = 0; repeat < MAX_REPEATS; repeat += 1) {
      const [sentAt, sent] = [clock.fast(), cache.next()]
      const swapped: Swapped | undefined = await request(key, 'swap', (signal) => store.swap(key, swap, { signal }))
      if (swapped === undefined || swapped.outcome === 'unknown') continue
      if (swapped.outcome === 'conflict' && swapped.seen.image?.tag !== swap.tag)
        return take(key, swapped.seen, sentAt, sent)
      const time = swapped.outcome === 'swapped' ? swapped.time : swapped.seen.time
      if (time !== undefined) server.observe(time, sentAt)
      cache.adopt(selectorOf(key), { record, sentAt, sent, earliest: now().earliest, bytes: body.length })
      return 'swapped'
    }
    throw asStoreError(store.name, key, { outcome: 'timed-out' })
  }

  /** Tries a change once on what was seen. */
  const step = async <T>(key: string, { image, record: before }: Sight, change: Change<T>): Promise<Step<T>> => {
    const time = now()
    const version = nextVersion(before, time)
    const { record, result } = change(before && withoutEnded(before, time), time, version)
    if (record === undefined) return { outcome: 'done', result }
    const next = { ...record, version }
    const written = await write(key, next, { expected: image, announce: printEnded(key, before, next) })
    return written === 'swapped' ? { outcome: 'done', result } : { outcome: 'conflict', sight: written }
  }

  return {
    now,
    async load(key) {
      await read(key)
    },
    async tryChange(key, change) {
      const tried = await step(key, await read(key), change)
      return tried.outcome === 'done' ? tried.result : undefined
    },
    async change(key, change) {
      const endsAt = clock.fast() + CHANGE_TIMEOUT
      let sight = await read(key)
      for (let attempt = 1; attempt <= MAX_ATTEMPTS && clock.fast() < endsAt; attempt += 1) {
        const tried = await step(key, sight, change)
        // Too late: another environment may know already that no record holds a token of this age.
        if (tried.outcome === 'done' && clock.fast() >= endsAt) break
        if (tried.outcome === 'done') return tried.result
        sight = tried.sight
        await sleep(runtime, runtime.random() * Math.min(MAX_PAUSE, 5 * attempt), NEVER)
      }
      throw new StoreError(`the ${store.name} store did not confirm a change of ${key} in time; call it again`, {
        key,
        retryable: true,
        code: 'STORE_TIMEOUT',
      })
    },
  }
}

const NEVER = new AbortController().signal

/** The event that sessions have ended, as live events have it: see `printEvent`. It names nobody. */
function printEnded(
  key: string,
  before: UserRecord | undefined,
  { sessions, version }: UserRecord,
): string | undefined {
  const left = new Set(sessions.map(({ id }) => id))
  if (before === undefined || before.sessions.every(({ id }) => left.has(id))) return undefined
  const topic = `user:${key.slice(key.indexOf('~') + 1)}`
  return JSON.stringify({ topic, version, kind: 'session-ended', at: version })
}

/** The record in an image; `undefined` for anything else, with an event. Rejects when the codec cannot tell. */
async function open(parts: RecordParts, key: string, image: Image, latest: number): Promise<UserRecord | undefined> {
  const record = image.body.length > MAX_BODY ? 'too long' : parseRecord(await unseal(parts, key, image.body), latest)
  const isOf = typeof record !== 'string' && keyOfUser(parts.namespace, record.userId) === key
  if (isOf) return record
  parts.emit({ type: 'bad-record', key, reason: typeof record === 'string' ? record : 'the record of another user' })
  return undefined
}

/** The key of a user's record. */
export function keyOfUser(namespace: string, userId: string): string {
  return makeKey('session', namespace, userId)
}

async function unseal(parts: RecordParts, key: string, body: string): Promise<string> {
  const { codec, runtime } = parts
  if (codec === undefined) return body
  const opened = await withDeadline(runtime, { ms: CODEC_TIMEOUT }, async () => codec.open(body, key))
  if (opened.outcome === 'done') return opened.value
  // A text that was never sealed is not a record. Anything else may be a key that is not there yet: the sessions are kept.
  if (opened.outcome === 'failed' && asFields(opened.cause)?.['code'] === 'NOT_SEALED') return ''
  throw codecFailed(parts, key, 'open')
}

async function seal(parts: RecordParts, key: string, text: string): Promise<string> {
  const { codec, runtime } = parts
  if (codec === undefined) return text
  const sealed = await withDeadline(runtime, { ms: CODEC_TIMEOUT }, async () => codec.seal(text, key))
  if (sealed.outcome === 'done') return sealed.value
  throw codecFailed(parts, key, 'seal')
}

/** What a codec throws may quote what it was given, so it goes no further. */
function codecFailed({ emit }: RecordParts, key: string, operation: 'seal' | 'open'): StoreError {
  emit({ type: 'codec-error', key, operation })
  return new StoreError(`the codec could not ${operation} ${key}`, { key, retryable: true, code: 'CODEC_FAILED' })
}

/** Adapters do not load this package, so their faults are known by their form. */
function asStoreError(name: string, key: string, timed: Exclude<Timed<unknown>, { outcome: 'done' }>): StoreError {
  const cause = timed.outcome === 'failed' ? timed.cause : undefined
  const fields = asFields(cause)
  const code = asText(fields?.['code'], 64)
  if (cause instanceof Error && code?.startsWith('STORE_') === true)
    return new StoreError(`${cause.message} (${key})`, { key, code, retryable: fields?.['retryable'] !== false, cause })
  const isLate = timed.outcome !== 'failed'
  // What an unknown store says may quote a record.
  return new StoreError(`the ${name} store ${isLate ? 'did not answer in time' : 'failed'} for ${key}`, {
    key,
    retryable: true,
    code: isLate ? 'STORE_TIMEOUT' : 'STORE_UNAVAILABLE',
  })
}
