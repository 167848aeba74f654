/** Accepting writes: into the index first, then into the journal, never blindly twice. @module */

import { StoreError } from '../errors.ts'
import { sleep } from '../lib/timing.ts'
import { drainKey } from './drain-key.ts'
import { BehindFullError, BehindUnknownError } from './error.ts'
import type { FullBound } from './events.ts'
import { type BehindHome, type BehindValues, createLanes } from './home.ts'
import { append, bytesOf, hasRoom, isIdle, type Journal, mergeInto, openWrite } from './journal.ts'
import { changeRecord, journalForm, latestOf } from './records.ts'
import type { Accepted } from './types.ts'
import { MAX_SEALED } from './values.ts'

/** How many writes of one key are accepted by one request: fewer than a journal remembers the ids of. */
const MAX_BATCH = 16
/** How many writes of one key wait for the store in one environment. */
const MAX_WAITING = 1_000
/** A write that has waited for so long, in ms, shows that no drain finds the key: it is put into the index again. */
const REINDEX_AGE = 600_000
/** How long to wait for another drainer to make room, in ms, at most at once. */
const ROOM_PAUSE = 200
/** How many keys of a full record of the index are drained by a write that needs room there. */
const MAX_HELPED = 8
/** How many keys are remembered for `settle`; a drain finds the others. */
const MAX_WRITTEN = 1_000
const NEVER = new AbortController().signal

/** What is to be written. */
export interface Wanted {
  readonly params: unknown
  readonly value: unknown
  readonly id: string
  readonly timeout: number
}

interface Waiting extends Wanted {
  /** By `clock.fast()`. */
  readonly endsAt: number
  /** The value, sealed for its own id; made when it is first needed. */
  sealed?: string
  resolve(accepted: Accepted): void
  reject(error: unknown): void
}

/** Makes what accepts the writes of an environment. The value of what is wanted has been checked. */
export function createWriter(home: BehindHome): (key: string, wanted: Wanted) => Promise<Accepted> {
  const { context, counts, emit } = home
  const enqueue = createLanes<Waiting>(MAX_BATCH, (key, batch) => acceptBatch(home, key, batch))
  let waiting = 0
  return (key, wanted) =>
    new Promise((resolve, reject) => {
      const full = (): void => {
        counts.full += 1
        emit({ type: 'behind-full', key, bound: 'waiting' })
        reject(new BehindFullError(key, 'waiting'))
      }
      if (waiting >= MAX_WAITING) return full()
      waiting += 1
      const end = <T>(settle: (value: T) => void): ((value: T) => void) => {
        return (value) => {
          waiting -= 1
          settle(value)
        }
      }
      enqueue(key, {
        ...wanted,
        endsAt: context.clock.fast() + wanted.timeout,
        resolve: end(resolve),
        reject: end(reject),
      })
    })
}

/** Accepts or rejects each write of a batch. Never rejects. */
async function acceptBatch(home: BehindHome, key: string, batch: readonly Waiting[]): Promise<void> {
  const pending = new Set(batch)
  const { clock } = home.context
  try {
    // Each turn accepts some, or makes room, or ends.
    while (pending.size > 0) {
      const full = await acceptSome(home, key, pending)
      const endsAt = Math.min(...[...pending].map((write) => write.endsAt))
      if (full !== undefined && !(await makeRoom(home, key, { bound: full, endsAt }))) {
        for (const write of [...pending].filter((one) => one.endsAt <= Math.max(endsAt, clock.fast()))) {
          pending.delete(write)
          home.counts.full += 1
          home.emit({ type: 'behind-full', key, bound: full })
          write.reject(new BehindFullError(key, full, { parked: isStopped(home, key) }))
        }
      }
    }
  } catch (error) {
    for (const write of pending) write.reject(error)
  }
}

function isStopped({ sights }: BehindHome, key: string): boolean {
  return sights.get(key)?.value.failure?.parked === true
}

/** Accepts what there is room for, by one request to the store. Resolves to the bound that stopped it, if one did. */
async function acceptSome(home: BehindHome, key: string, pending: Set<Waiting>): Promise<FullBound | undefined> {
  const { context, counts, emit, sights } = home
  const [first] = pending
  if (first === undefined) return undefined
  const endsAt = Math.max(...[...pending].map((write) => write.endsAt))
  let full: FullBound | undefined
  let sent: readonly Waiting[] = []
  const result = await changeRecord<Journal>(context, {
    form: journalForm(key, null),
    from: sights.get(key),
    endsAt,
    async next(there, doubt) {
      full = undefined
      settleKnown(there, pending)
      // Those that follow what the lost write was made from are not all listed any more: it may be among them.
      if (doubt !== undefined && sent.some((write) => pending.has(write)) && doubt.last < there.floor)
        throw unknown(home, key, sent, pending)
      const [one, ...rest] = oncePerId(pending)
      if (one === undefined) return undefined
      if (mustIndex(home, key, there) && (await home.mark(key)) === 'full') {
        full = 'index'
        return undefined
      }
      const next = await appendAll(home, key, { journal: there, writes: [one, ...rest] })
      sent = next.writes
      if (sent.length === 0) full = 'queue'
      return sent.length === 0 ? undefined : { ...next.journal, params: first.params as Journal['params'] }
    },
  })
  if (result.outcome === 'ended') {
    if (!result.isInDoubt) throw result.error
    throw unknown(home, key, sent, pending)
  }
  const { sight, attempts } = result
  sights.set(key, sight)
  if (result.outcome === 'left') return full
  const { last, queue } = sight.value
  counts.appends += 1
  counts.accepted += sent.length
  if (home.written.size < MAX_WRITTEN) home.written.add(key)
  emit({ type: 'behind-accepted', key, n: last, writes: sent.length, queued: queue.length, attempts })
  settleKnown(sight.value, pending)
  return undefined
}

/** The writes with different ids, each the first of its id: the others are the same write. */
function oncePerId(writes: Iterable<Waiting>): readonly Waiting[] {
  const byId = new Map<string, Waiting>()
  for (const write of writes) if (!byId.has(write.id)) byId.set(write.id, write)
  return [...byId.values()]
}

/** Rejects the writes of which nobody knows, and returns the error for the others of the batch. */
function unknown(home: BehindHome, key: string, sent: readonly Waiting[], pending: Set<Waiting>): StoreError {
  const ids = new Set(sent.map(({ id }) => id))
  for (const write of pending) {
    if (!ids.has(write.id)) continue
    pending.delete(write)
    home.counts.unknown += 1
    write.reject(new BehindUnknownError(key, write.id))
  }
  const message = `the ${home.context.store.name} store did not answer in time for ${key}; nothing was accepted`
  return new StoreError(message, { key, code: 'STORE_TIMEOUT', retryable: true })
}

/** Resolves the writes that a journal lists. */
function settleKnown({ recent }: Journal, pending: Set<Waiting>): void {
  for (const write of pending) {
    const n = recent.findLast(([id]) => id === write.id)?.[1]
    if (n === undefined) continue
    pending.delete(write)
    write.resolve({ n, id: write.id })
  }
}

/** Whether the key must be put into the index before something is appended to this journal. */
function mustIndex({ context, indexedAt }: BehindHome, key: string, journal: Journal): boolean {
  if (isIdle(journal)) return true
  const [oldest] = journal.queue
  if (oldest === undefined || latestOf(context) - oldest.at <= REINDEX_AGE) return false
  // Once in a while: writes must not get more expensive while drains are late.
  const now = context.clock.fast()
  if (now - (indexedAt.get(key) ?? Number.NEGATIVE_INFINITY) <= REINDEX_AGE) return false
  if (indexedAt.size >= MAX_WRITTEN) indexedAt.clear()
  indexedAt.set(key, now)
  return true
}

/** The journal with those writes at its end for which there is room. */
async function appendAll(
  home: BehindHome,
  key: string,
  { journal, writes }: { readonly journal: Journal; readonly writes: readonly [Waiting, ...Waiting[]] },
): Promise<{ readonly journal: Journal; readonly writes: readonly Waiting[] }> {
  const merged = await mergeAll(home, key, { journal, writes })
  if (merged !== undefined) return { journal: merged, writes }
  const latest = latestOf(home.context)
  let next = journal
  let count = 0
  for (const write of writes) {
    const { id, value } = write
    write.sealed ??= await home.values.seal(value, key, id)
    if (!hasRoom(next, write.sealed)) break
    next = append(next, { ids: [id], sealed: write.sealed }, latest)
    count += 1
  }
  return { journal: next, writes: writes.slice(0, count) }
}

/** The journal with all writes merged into one, and into the last that waits; `undefined` where they must stand apart. */
async function mergeAll(
  { context, merge, values }: BehindHome,
  key: string,
  {
    journal,
    writes: [first, ...others],
  }: { readonly journal: Journal; readonly writes: readonly [Waiting, ...Waiting[]] },
): Promise<Journal | undefined> {
  const open = openWrite(journal)
  if (merge === undefined || (open === undefined && others.length === 0)) return undefined
  const newer = others.reduce((value, one) => merge(value, one.value), first.value)
  const value = open === undefined ? newer : merge(await values.open(open.sealed, key, open.id), newer)
  const ids: readonly [string, ...string[]] = [first.id, ...others.map(({ id }) => id)]
  const merged = accepted(values, value)
  if (merged === undefined) return undefined
  const sealed = await values.seal(merged.value, key, ids.at(-1) ?? first.id)
  const latest = latestOf(context)
  if (bytesOf(sealed) > MAX_SEALED) return undefined
  if (open !== undefined) return mergeInto(journal, open, { ids, sealed }, latest)
  return hasRoom(journal, sealed) ? append(journal, { ids, sealed }, latest) : undefined
}

/** A merged value, checked; `undefined` when it cannot be kept, although each of its parts can. */
function accepted(values: BehindValues, value: unknown): { readonly value: unknown } | undefined {
  try {
    return { value: values.check(value) }
  } catch {
    return undefined
  }
}

/** Helps to drain where there is no room. Resolves to whether it is worth another try. */
async function makeRoom(
  home: BehindHome,
  key: string,
  { bound, endsAt }: { readonly bound: FullBound; readonly endsAt: number },
): Promise<boolean> {
  const { context, keys, shards } = home
  const { clock, runtime } = context
  const remaining = (): number => endsAt - clock.fast()
  if (remaining() <= 0) return false
  if (bound === 'queue') {
    const { outcome, applied } = await drainKey(home, key, { remaining, isHelping: true })
    if (applied > 0) return true
    if (outcome !== 'busy') return false
  } else {
    const entries = [...(shards.get(keys.shardOf(key))?.value ?? [])]
    const from = Math.floor(runtime.random() * entries.length)
    let freed = 0
    for (const [other, mark] of [...entries.slice(from), ...entries.slice(0, from)].slice(0, MAX_HELPED)) {
      const { outcome } = await drainKey(home, other, { mark, remaining, isHelping: true })
      if (outcome === 'drained') freed += 1
    }
    if (freed > 0) return true
  }
  await sleep(runtime, Math.min(ROOM_PAUSE, Math.max(0, remaining())) * (0.5 + runtime.random() / 2), NEVER)
  return remaining() > 0
}
