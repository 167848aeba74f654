/** Records of a write-behind in the store: one read, and changes by compare-and-swap. @module */

import type { Image, Json, Seen, Swap } from '../contracts.ts'
import type { StoreContext } from '../engine/context.ts'
import { attemptRead, attemptSwap } from '../engine/miss/record-io.ts'
import { StoreError } from '../errors.ts'
import { sleep } from '../lib/timing.ts'
import { emptyJournal, type Journal } from './journal.ts'
import { parseJournal, printJournal } from './journal-text.ts'
import { MAX_KEYS, parseShard, printShard, type Shard } from './shard.ts'

/** How often a change is tried, each time on the record that is there then. */
const MAX_ATTEMPTS = 100
/** The longest pause after a conflict, in ms. */
const MAX_PAUSE = 250
/** How long a record is kept after a write, in ms: longer than any cached value lives that rests on its numbers. */
const KEEP: number = 401 * 86_400_000
const NEVER = new AbortController().signal

/** A record as it was seen, with the image that the next swap must still find. */
export interface Sight<T> {
  readonly image: Image | undefined
  readonly value: T
}

/** How one kind of records is read and printed. */
interface Form<T> {
  readonly key: string
  readonly none: T
  /** `undefined`: damaged. */
  parse(body: string, latest: number): T | undefined
  print(value: T): string
  /** Whether a damaged record may be written over. */
  readonly repairs: boolean
}

/** The form of a journal. A damaged one is left alone: it may hold writes. */
export function journalForm(key: string, params: Json): Form<Journal> {
  return {
    key,
    none: emptyJournal(params),
    parse: (body, latest) => parseJournal(body, key, latest),
    print: (journal) => printJournal(journal, key),
    repairs: false,
  }
}

/** The form of a record of the index. A damaged one is written again: the journals still hold their writes. */
export function shardForm(key: string): Form<Shard> {
  return {
    key,
    none: new Map(),
    parse: (body) => parseShard(body, key),
    print: (shard) => printShard(shard, key),
    repairs: true,
  }
}

/** The latest time on the server. */
export function latestOf({ server }: StoreContext): number {
  return server.latest() ?? 0
}

/** What the store showed, as a record. Throws `STORE_UNREADABLE` for one that is damaged and must be left alone. */
export function toSight<T>(context: StoreContext, form: Form<T>, seen: Seen, sentAt: number): Sight<T> {
  const { runtime, server, emit, store } = context
  server.observe(seen.time ?? { at: runtime.wall(), precision: 0 }, sentAt)
  const { image } = seen
  const value = image === undefined ? form.none : form.parse(image.body, latestOf(context))
  if (value !== undefined) return { image, value }
  emit({ type: 'bad-record', key: form.key, reason: 'damaged' })
  if (form.repairs) return { image, value: form.none }
  throw new StoreError(
    `the journal ${form.key} in the ${store.name} store cannot be read; nothing was overwritten: restore it, or deploy the release that wrote it`,
    { key: form.key, code: 'STORE_UNREADABLE', retryable: false },
  )
}

/** Reads a record consistently. Rejects with `StoreError`. */
export async function look<T>(context: StoreContext, form: Form<T>): Promise<Sight<T>> {
  const { value: seen, sentAt } = await attemptRead(context, { key: form.key, signal: NEVER }, (signal) =>
    context.store.read(form.key, { signal, consistent: true }),
  )
  return toSight(context, form, seen, sentAt)
}

/** One change of a record. */
export interface Change<T> {
  readonly form: Form<T>
  /** What was seen last; left out: it is read. */
  readonly from?: Sight<T> | undefined
  /** By `clock.fast()`: not tried again after. */
  readonly endsAt: number
  /**
   * What is to be written in place of what is there; `undefined`: nothing. Called again when another write came first. `doubt`:
   * the answer to an earlier try was lost, and this is what it was made from; another write has followed since.
   */
  next(there: T, doubt: T | undefined): T | undefined | Promise<T | undefined>
}

/** What became of a change. */
export type Outcome<T> =
  | { readonly outcome: 'written' | 'left'; readonly sight: Sight<T>; readonly attempts: number }
  /** `isInDoubt`: the answer to a write was lost. `error`: why it ended. */
  | { readonly outcome: 'ended'; readonly isInDoubt: boolean; readonly error: StoreError }

/** A write that was sent: what it says, and what it was made from. */
interface Sent<T> {
  readonly swap: Swap
  readonly value: T
  readonly base: T
}

/** Changes a record by compare-and-swap, until it is written or left. Rejects only with what `next` throws. */
export async function changeRecord<T>(context: StoreContext, change: Change<T>): Promise<Outcome<T>> {
  const { clock } = context
  const { form } = change
  let sight = change.from
  /** A write whose answer is lost. */
  let doubt: Sent<T> | undefined
  let error = timedOut(context, form.key)
  for (let attempt = 1; attempt <= MAX_ATTEMPTS && (attempt === 1 || clock.fast() < change.endsAt); attempt += 1) {
    const looked = await lookAgain(context, form, { attempt, known: doubt === undefined ? sight : undefined })
    if (looked.outcome === 'failed') {
      error = looked.error
      if (error.retryable) continue
      break
    }
    sight = looked.sight
    const there = sight.image?.tag
    if (doubt !== undefined && there === doubt.swap.tag) return { outcome: 'written', sight, attempts: attempt }
    // A write without an answer that may still be applied is sent again as it is: it is applied once.
    const repeated = doubt !== undefined && there === doubt.swap.expected?.tag ? doubt : undefined
    const value = repeated?.value ?? (await change.next(sight.value, doubt?.base))
    if (value === undefined) return { outcome: 'left', sight, attempts: attempt }
    const sent: Sent<T> = repeated ?? { swap: swapOf(context, { form, sight, value }), value, base: sight.value }
    doubt = repeated
    const tried = await trySwap(context, form, sent)
    if (tried.outcome === 'swapped') return { outcome: 'written', sight: tried.sight, attempts: attempt }
    if (tried.outcome === 'conflict') sight = tried.sight
    if (tried.outcome === 'unknown') doubt = sent
    if (tried.outcome === 'failed') error = tried.error
    if (tried.outcome === 'failed' && !error.retryable) break
  }
  return { outcome: 'ended', isInDoubt: doubt !== undefined, error }
}

type Looked<T> =
  | { readonly outcome: 'seen'; readonly sight: Sight<T> }
  | { readonly outcome: 'failed'; readonly error: StoreError }

/** What is there: as it is known for the first two attempts, else read after a pause, since a conflict grows old. */
async function lookAgain<T>(
  context: StoreContext,
  form: Form<T>,
  { attempt, known }: { readonly attempt: number; readonly known: Sight<T> | undefined },
): Promise<Looked<T>> {
  const { runtime } = context
  if (attempt <= 2 && known !== undefined) return { outcome: 'seen', sight: known }
  if (attempt > 2) await sleep(runtime, runtime.random() * Math.min(MAX_PAUSE, 10 * 1.7 ** (attempt - 2)), NEVER)
  try {
    return { outcome: 'seen', sight: await look(context, form) }
  } catch (error) {
    if (error instanceof StoreError) return { outcome: 'failed', error }
    throw error
  }
}

function swapOf<T>(
  context: StoreContext,
  { form, sight, value }: { readonly form: Form<T>; readonly sight: Sight<T>; readonly value: T },
): Swap {
  const keepUntil = latestOf(context) + KEEP
  return { expected: sight.image, body: form.print(value), tag: context.runtime.unique(), keepUntil }
}

type Tried<T> =
  | { readonly outcome: 'swapped' | 'conflict'; readonly sight: Sight<T> }
  | { readonly outcome: 'unknown' }
  | { readonly outcome: 'failed'; readonly error: StoreError }

async function trySwap<T>(context: StoreContext, form: Form<T>, { swap, value }: Sent<T>): Promise<Tried<T>> {
  try {
    const { result, sentAt } = await attemptSwap(context, { key: form.key, signal: undefined }, swap)
    if (result.outcome === 'unknown') return result
    if (result.outcome === 'conflict')
      return { outcome: 'conflict', sight: toSight(context, form, result.seen, sentAt) }
    return { outcome: 'swapped', sight: { image: result.image, value } }
  } catch (error) {
    if (error instanceof StoreError) return { outcome: 'failed', error }
    throw error
  }
}

function timedOut({ store }: StoreContext, key: string): StoreError {
  return new StoreError(`the ${store.name} store did not confirm a change of ${key} in time; call it again`, {
    key,
    retryable: true,
    code: 'STORE_TIMEOUT',
  })
}

/** Whether a record of the index has no room for one more key. */
export function isFull(shard: Shard): boolean {
  return shard.size >= MAX_KEYS
}
