/** Reads and changes records as an operator: by the store's own two methods, with conditional writes. @module */

import { userInfo } from 'node:os'
import type { Image, Seen, Store, Swap, Swapped } from '@warmtoken/core/adapter'
import { withDeadline } from '@warmtoken/core/adapter'
import { asLine, MAX_NAME, type Refresh } from '@warmtoken/core/record'
import { systemRuntime } from '@warmtoken/core/runtime'
import type { Context } from './context.ts'
import { EXIT, OperatorError } from './exit.ts'
import type { Place } from './place.ts'
import { isOurs, type RecordView, viewOf } from './view.ts'

/** How long one request may take, in ms. An operator waits longer than a function may. */
const REQUEST_TIMEOUT = 10_000
/** How often a change is tried, each time on the record that is there then. */
const MAX_ATTEMPTS = 20
/** How many records are read at once. */
const PARALLEL = 16

/** Throws for a text that cannot be a key of this library. */
export function checkKey(key: string): void {
  if (isOurs(key)) return
  throw new OperatorError(
    'the key must be one that "warmtoken list" shows, such as oauth2~ and 40 hexadecimal digits',
    EXIT.usage,
  )
}

/** Keys of this library on one page, and how many others are there. */
export interface KeyPage {
  readonly keys: readonly string[]
  readonly foreign: number
  readonly cursor: string | undefined
}

interface Walk {
  /** The readable start of the keys. */
  readonly kind?: string | undefined
  readonly after?: string | undefined
}

/** Walks over the keys of a store, page by page. Each key comes once within a page. */
export async function* walkKeys(context: Context, place: Place, { kind, after }: Walk): AsyncIterable<KeyPage> {
  for await (const page of place.inventory.pages({ signal: context.signal, after })) {
    const ours = [...new Set(page.keys.filter(isOurs))]
    const keys =
      kind === undefined ? ours : ours.filter((key) => key.startsWith(`${kind}~`) || key.startsWith(`${kind}:`))
    yield { keys, foreign: page.keys.filter((key) => !isOurs(key)).length, cursor: page.cursor }
  }
}

/** What operators may see of the records of these keys. A key without a record is left out. */
export async function readViews(context: Context, place: Place, keys: readonly string[]): Promise<RecordView[]> {
  const seen = await inParallel(keys, async (key) => viewOf(key, await readSeen(place.store, key, context), Date.now()))
  return seen.filter((view) => view !== undefined)
}

/** Reads what is under a key, consistently. */
export function readSeen(store: Store, key: string, { signal }: Pick<Context, 'signal'>): Promise<Seen> {
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

/**
 * Changes what is under a key by a conditional write, and again when another write came first. The plan may throw to refuse.
 * A write that was sent is awaited even when the command is stopped, so that its outcome is known.
 */
export async function change(
  { store }: Place,
  key: string,
  { signal }: Pick<Context, 'signal'>,
  plan: (image: Image, now: Interval) => Replacement | undefined | Promise<Replacement | undefined>,
): Promise<Changed> {
  let seen = await readSeen(store, key, { signal })
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    if (seen.image === undefined) return 'unchanged'
    const { at, precision } = seen.time ?? { at: Date.now(), precision: 0 }
    const next = await plan(seen.image, { earliest: at, latest: at + precision })
    if (next === undefined) return 'unchanged'
    const swapped = await write(store, key, { ...next, expected: seen.image, tag: systemRuntime.unique() })
    if (swapped.outcome === 'swapped') return 'written'
    seen = swapped.outcome === 'conflict' ? swapped.seen : await readSeen(store, key, { signal })
  }
  throw new OperatorError(`${key}: others changed the record ${MAX_ATTEMPTS} times in a row; try again`)
}

/** Writes, and repeats the same write while its answer is lost: it is idempotent in its tag. */
async function write(store: Store, key: string, swap: Swap): Promise<Swapped> {
  let swapped: Swapped = { outcome: 'unknown', cause: undefined }
  for (let attempt = 0; attempt < MAX_ATTEMPTS && swapped.outcome === 'unknown'; attempt += 1) {
    swapped = await withDeadline(REQUEST_TIMEOUT, undefined, (signal) => store.swap(key, swap, { signal }))
  }
  if (swapped.outcome !== 'unknown') return swapped
  throw new OperatorError(`${key}: the store did not say whether it took the change; look at the record and try again`)
}

/** The line in the record's ring about what an operator did. */
export function auditOf({ now, action, fingerprint, reason }: Audit): Refresh {
  const by = asLine(`operator ${userName()}${reason === undefined ? '' : `: ${reason}`}`, MAX_NAME) ?? ''
  return [Math.floor(now), by, 0, action, fingerprint]
}

/** What {@link auditOf} notes. */
export interface Audit {
  readonly now: number
  readonly action: string
  readonly fingerprint: string
  readonly reason: string | undefined
}

function userName(): string {
  try {
    return userInfo().username
  } catch {
    // A container may run under an id that has no name.
    return 'unknown'
  }
}
