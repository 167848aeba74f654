/** Reads and changes records as an operator: by the store's own two methods, with conditional writes. @module */

import { withDeadline } from '../adapter-kit/call.ts'
import { storeFault } from '../adapter-kit/fault.ts'
import type { Image, Inventory, Seen, Store, Swap, Swapped } from '../contracts.ts'
import { systemRuntime } from '../lib/runtime.ts'
import { isOurs, type RecordView, viewOf } from './view.ts'

/** How long one request may take, in ms. An operator waits longer than a function may. */
const REQUEST_TIMEOUT = 10_000
/** How often a change is tried, each time on the record that is there then. */
const MAX_ATTEMPTS = 20
/** How many calls are made at once. */
const PARALLEL = 16
/** How many records are read by one call. */
const CHUNK = 25

/** How an operator's call ends early. */
export interface Calling {
  readonly signal: AbortSignal
}

/** Keys of this library on one page, and how many others are there. */
export interface KeyPage {
  readonly keys: readonly string[]
  readonly foreign: number
  readonly cursor: string | undefined
}

/** Which keys are walked over. */
export interface Walk {
  /** The readable start of the keys. Default: all. */
  readonly kind?: string | undefined
  /** The cursor of the page to go on behind. */
  readonly after?: string | undefined
}

/** Walks over the keys of a store, page by page. Each key comes once within a page. */
export async function* walkKeys(
  inventory: Inventory,
  { signal }: Calling,
  { kind, after }: Walk = {},
): AsyncIterable<KeyPage> {
  for await (const page of inventory.pages({ signal, after })) {
    const ours = [...new Set(page.keys.filter(isOurs))]
    const keys =
      kind === undefined ? ours : ours.filter((key) => key.startsWith(`${kind}~`) || key.startsWith(`${kind}:`))
    yield { keys, foreign: page.keys.filter((key) => !isOurs(key)).length, cursor: page.cursor }
  }
}

/** What operators may see of the records of these keys. A key without a record is left out. */
export async function readViews(store: Store, keys: readonly string[], calling: Calling): Promise<RecordView[]> {
  const views = await inParallel(chunksOf(keys), async (chunk) => {
    const seen = await readMany(store, chunk, calling)
    return seen.map((one, at) => viewOf(chunk[at] ?? '', one, Date.now()))
  })
  return views.flat().filter((view) => view !== undefined)
}

/** Reads what is under a few keys, by one call where the store can. */
async function readMany(store: Store, keys: readonly string[], calling: Calling): Promise<readonly Seen[]> {
  const { signal } = calling
  if (store.readMany === undefined || keys.length === 1)
    return Promise.all(keys.map((key) => readSeen(store, key, calling)))
  const found = await withDeadline(
    REQUEST_TIMEOUT,
    signal,
    async (within) => store.readMany?.(keys, { signal: within, consistent: true }) ?? new Map<string, Seen>(),
  )
  return keys.map((key) => found.get(key) ?? { image: undefined, time: undefined })
}

function chunksOf(keys: readonly string[]): readonly (readonly string[])[] {
  return Array.from({ length: Math.ceil(keys.length / CHUNK) }, (_, n) => keys.slice(n * CHUNK, (n + 1) * CHUNK))
}

/** Reads what is under a key, consistently. */
export function readSeen(store: Store, key: string, { signal }: Calling): Promise<Seen> {
  return withDeadline(REQUEST_TIMEOUT, signal, (within) => store.read(key, { signal: within, consistent: true }))
}

/** Runs a call for each item, some at once. */
export async function inParallel<T, R>(items: readonly T[], call: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (let start = 0; start < items.length; start += PARALLEL) {
    results.push(...(await Promise.all(items.slice(start, start + PARALLEL).map(call))))
  }
  return results
}

/** What to write in place of what is there: `undefined` for nothing. */
export interface Replacement {
  readonly body: string
  /** Until when the store must keep it, in ms since 1970. */
  readonly keepUntil: number
}

/** The time on the store's server when it answered, in ms since 1970. */
export interface Interval {
  readonly earliest: number
  readonly latest: number
}

/** What became of a change. */
export type Changed = 'written' | 'unchanged'

/** What is written in place of what is there; it may throw to refuse. Called again when another write came first. */
export type ChangePlan<There> = (
  image: There,
  now: Interval,
) => Replacement | undefined | Promise<Replacement | undefined>

/**
 * Changes what is under a key by a conditional write, and again when another write came first. What is absent stays so.
 * A write that was sent is awaited even when the call is aborted, so that its outcome is known. Rejects with a `StoreFault`.
 */
export function change(store: Store, key: string, calling: Calling, plan: ChangePlan<Image>): Promise<Changed> {
  return changeOrMake(store, key, calling, (image, now) => (image === undefined ? undefined : plan(image, now)))
}

/** The same, where the plan may make what is absent. */
export async function changeOrMake(
  store: Store,
  key: string,
  calling: Calling,
  plan: ChangePlan<Image | undefined>,
): Promise<Changed> {
  let seen = await readSeen(store, key, calling)
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const { at, precision } = seen.time ?? { at: Date.now(), precision: 0 }
    const next = await plan(seen.image, { earliest: at, latest: at + precision })
    if (next === undefined) return 'unchanged'
    const swapped = await write(store, key, { ...next, expected: seen.image, tag: systemRuntime.unique() })
    if (swapped.outcome === 'swapped') return 'written'
    seen = swapped.outcome === 'conflict' ? swapped.seen : await readSeen(store, key, calling)
  }
  throw storeFault(`${key}: others changed the record ${MAX_ATTEMPTS} times in a row; try again`, {
    code: 'STORE_CONFLICT',
    retryable: true,
  })
}

/** Writes, and repeats the same write while its answer is lost: it is idempotent in its tag. */
async function write(store: Store, key: string, swap: Swap): Promise<Swapped> {
  let swapped: Swapped = { outcome: 'unknown', cause: undefined }
  for (let attempt = 0; attempt < MAX_ATTEMPTS && swapped.outcome === 'unknown'; attempt += 1) {
    swapped = await withDeadline(REQUEST_TIMEOUT, undefined, (signal) => store.swap(key, swap, { signal }))
  }
  if (swapped.outcome !== 'unknown') return swapped
  const message = `${key}: the store did not say whether it took the change; look at the record and try again`
  throw storeFault(message, { code: 'STORE_UNKNOWN', retryable: true })
}
