/**
 * The journal of a key: what was accepted and is not yet in the truth, in order. Pure transitions; numbers rise by one at least
 * and follow the server's time, so they survive the deletion of the record.
 *
 * @module
 */

import type { Json } from '../contracts.ts'
/** How many accepted writes a journal holds. */
export const MAX_QUEUE = 64
/** How much their sealed values may take together, in bytes as they stand in the record. */
export const MAX_QUEUE_BYTES = 65_536
/** How many of the last writes are remembered by their ids, so that a write whose answer was lost is recognized. */
export const MAX_RECENT = 32
/** How many refused writes are set aside with `onPoison: 'skip'`; with more, the key stops. */
export const MAX_ASIDE = 8

/** A write that was accepted. */
export interface QueuedWrite {
  /** Its number: higher than that of every earlier write of the key. */
  readonly n: number
  /** Its id; of merged writes, that of the newest. */
  readonly id: string
  /** When it was accepted, at the latest, on the clock of the store's server; of merged writes, the oldest. */
  readonly at: number
  /** How many writes were merged into it, itself included. */
  readonly merged: number
  readonly sealed: string
}

/** The last value that the truth took. */
export type LatestWrite = Pick<QueuedWrite, 'n' | 'id' | 'sealed'>

/** Who applies the writes of a key now. Instants on the clock of the store's server, in ms. */
export interface DrainLease {
  readonly nonce: string
  /** At the latest. */
  readonly acquiredAt: number
  readonly length: number
}

/** That the first write could not be applied. */
export interface DrainFailure {
  /** Failures in a row. */
  readonly count: number
  /** The code of the last; never its text. */
  readonly code: string
  /** It is not tried again before, on the clock of the store's server. */
  readonly notBefore: number
  /** Whether the key stopped, until an operator decides. */
  readonly parked: boolean
}

/** What is known of one key. */
export interface Journal {
  readonly params: Json
  /** The highest number that was given. */
  readonly last: number
  /** Writes up to this number are in the truth, or were given up. */
  readonly done: number
  /** Writes up to this number may have been handed to `apply`: nothing is merged into them any more. */
  readonly fixed: number
  /** `recent` lists every write with a number above this one. */
  readonly floor: number
  readonly recent: readonly (readonly [id: string, n: number])[]
  readonly queue: readonly QueuedWrite[]
  /** Writes that `apply` refused, out of the way of the others. */
  readonly aside: readonly QueuedWrite[]
  readonly latest?: LatestWrite | undefined
  readonly lease?: DrainLease | undefined
  readonly failure?: DrainFailure | undefined
}

/** The journal of a key that was never written. */
export function emptyJournal(params: Json): Journal {
  return { params, last: 0, done: 0, fixed: 0, floor: 0, recent: [], queue: [], aside: [] }
}

/** Whether nothing in it waits, so that the key need not be in the index. */
export function isIdle({ queue, aside }: Journal): boolean {
  return queue.length === 0 && aside.length === 0
}

/** The next number. `latest`: the time on the server is this or earlier. */
export function nextNumber(last: number, latest: number): number {
  return Math.max(last + 1, Math.ceil(latest))
}

/** Writes that are to be accepted as one: one, or several that were merged. */
export interface NewWrite {
  /** Their ids, oldest first. */
  readonly ids: readonly [string, ...string[]]
  readonly sealed: string
}

/** The journal with one more write at its end. `latest`: the time on the server is this or earlier. */
export function append(journal: Journal, write: NewWrite, latest: number): Journal {
  const numbered = giveNumbers(journal, write.ids, latest)
  const at = Math.ceil(latest)
  return { ...numbered, queue: [...journal.queue, entryOf(numbered, write, { at, merged: write.ids.length })] }
}

/** The last write of the queue, where another may still be merged into it: nobody has handed it to `apply`. */
export function openWrite({ queue, fixed }: Journal): QueuedWrite | undefined {
  const last = queue.at(-1)
  return last !== undefined && last.n > fixed ? last : undefined
}

/** The journal with writes merged into the open one. `sealed`: the merged value. */
export function mergeInto(journal: Journal, open: QueuedWrite, write: NewWrite, latest: number): Journal {
  const numbered = giveNumbers(journal, write.ids, latest)
  const entry = entryOf(numbered, write, { at: open.at, merged: open.merged + write.ids.length })
  return { ...numbered, queue: [...journal.queue.slice(0, -1), entry] }
}

/** What stands for some writes in the queue: their value under the number and the id of the newest. */
function entryOf(
  { last }: Journal,
  { ids, sealed }: NewWrite,
  { at, merged }: Pick<QueuedWrite, 'at' | 'merged'>,
): QueuedWrite {
  return { n: last, id: ids.at(-1) ?? ids[0], at, merged, sealed }
}

/** The journal with a number for each id. */
function giveNumbers(journal: Journal, ids: readonly string[], latest: number): Journal {
  let { last, floor } = journal
  const recent = [...journal.recent]
  for (const id of ids) {
    last = nextNumber(last, latest)
    recent.push([id, last])
    if (recent.length > MAX_RECENT) floor = recent.shift()?.[1] ?? floor
  }
  return { ...journal, last, floor, recent }
}

/** Whether the queue has room for a sealed value. */
export function hasRoom({ queue }: Journal, sealed: string): boolean {
  return queue.length < MAX_QUEUE && bytesOf(...queue.map((write) => write.sealed), sealed) <= MAX_QUEUE_BYTES
}

/** Whether there is room for one more among those that are set aside. */
export function hasRoomAside({ aside }: Journal, { sealed }: QueuedWrite): boolean {
  return aside.length < MAX_ASIDE && bytesOf(...aside.map((write) => write.sealed), sealed) <= MAX_QUEUE_BYTES
}

/** How many bytes texts take in a record, where JSON escapes them once more. */
export function bytesOf(...texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + Buffer.byteLength(JSON.stringify(text)), 0)
}

/** The journal in the hands of a drainer, with its first write fixed for `apply`. */
export function startDrain(journal: Journal, lease: DrainLease): Journal {
  return { ...journal, lease, fixed: fixFirst(journal) }
}

/** What a drainer keeps: its lease, or `undefined` to release it. */
export type Onward = DrainLease | undefined

/** The journal with its first write in the truth. The next one is fixed with the same write, if there is a lease. */
export function confirm(
  journal: Journal,
  n: number,
  { lease, keepLatest }: { readonly lease: Onward; readonly keepLatest: boolean },
): Journal {
  const { lease: _lease, failure: _failure, ...rest } = journal
  const [first] = journal.queue
  if (first?.n !== n) return withLease(rest, lease)
  const latest = keepLatest ? { n, id: first.id, sealed: first.sealed } : undefined
  return withLease({ ...rest, ...(latest && { latest }), done: n, queue: journal.queue.slice(1) }, lease)
}

function withLease(journal: Journal, lease: Onward): Journal {
  const isOver = lease === undefined || journal.queue.length === 0
  return isOver ? journal : { ...journal, lease, fixed: fixFirst(journal) }
}

function fixFirst({ fixed, queue }: Journal): number {
  return Math.max(fixed, queue[0]?.n ?? 0)
}

/** The journal after `apply` failed; the lease is released. */
export function fail(journal: Journal, failure: DrainFailure): Journal {
  const { lease: _lease, ...rest } = journal
  return { ...rest, failure }
}

/** The journal with its first write out of the way of the others; the next one is fixed with the same write. */
export function setAside(journal: Journal, n: number, lease: Onward): Journal {
  const { lease: _lease, failure: _failure, ...rest } = journal
  const [first, ...queue] = journal.queue
  if (first?.n !== n) return withLease(rest, lease)
  return withLease({ ...rest, done: n, queue, aside: [...journal.aside, first] }, lease)
}

/** The journal without the lease of a drainer. */
export function release(journal: Journal): Journal {
  const { lease: _lease, ...rest } = journal
  return rest
}

/** The journal with what was refused to be tried again: what was set aside goes to the end, under new numbers. */
export function retryRefused(journal: Journal, latest: number): Journal {
  const { failure: _failure, ...rest } = journal
  let next: Journal = { ...rest, aside: [] }
  for (const write of journal.aside) {
    if (!hasRoom(next, write.sealed)) next = { ...next, aside: [...next.aside, write] }
    else {
      const numbered = giveNumbers(next, [write.id], latest)
      next = { ...numbered, queue: [...next.queue, { ...write, n: numbered.last }] }
    }
  }
  return next
}

/** The journal without these refused writes: they are given up. */
export function giveUp(journal: Journal, numbers: readonly number[]): Journal {
  const isGiven = ({ n }: QueuedWrite): boolean => numbers.includes(n)
  const [first] = journal.queue
  const aside = journal.aside.filter((write) => !isGiven(write))
  if (first === undefined || !isGiven(first) || journal.failure?.parked !== true) return { ...journal, aside }
  const { failure: _failure, ...rest } = journal
  return { ...rest, aside, done: first.n, queue: journal.queue.slice(1) }
}
