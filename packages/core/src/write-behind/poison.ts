/** What an operator sees and decides: what waits, and what was refused. @module */

import type { Seen } from '../contracts.ts'
import { readKeys } from '../data/gather.ts'
import type { StoreContext } from '../engine/context.ts'
import { attemptRead } from '../engine/miss/record-io.ts'
import { StoreError } from '../errors.ts'
import { readIndex } from './drain.ts'
import type { BehindHome } from './home.ts'
import { giveUp, type Journal, type QueuedWrite, retryRefused } from './journal.ts'
import { changeRecord, journalForm, latestOf, look, toSight } from './records.ts'
import type { Backlog, PoisonWrite } from './types.ts'

/** How many journals are read at once. */
const CHUNK = 50
/** How much poison is listed. */
const MAX_LISTED = 1_000
const NOTHING: Seen = { image: undefined, time: undefined }
const NEVER = new AbortController().signal

/** Reads the index and all journals in it. Rejects with `StoreError`. */
export async function readBacklog(home: BehindHome): Promise<Backlog<unknown, unknown>> {
  const { context } = home
  const { entries, unseen } = await readIndex(home)
  if (unseen > 0)
    throw new StoreError(`${unseen} records of the index could not be read; call it again`, { retryable: true })
  const poison: PoisonWrite<unknown, unknown>[] = []
  const unreadable: string[] = []
  let writes = 0
  let oldest = Number.POSITIVE_INFINITY
  for (let from = 0; from < entries.length; from += CHUNK) {
    const keys = entries.slice(from, from + CHUNK).map(([key]) => key)
    const { value: found, sentAt } = await attemptRead(context, { key: keys[0] ?? '', signal: NEVER }, (signal) =>
      readKeys(context.store, keys, { signal, consistent: true }),
    )
    for (const key of keys) {
      const journal = readable(context, key, { seen: found.get(key) ?? NOTHING, sentAt })
      if (journal === undefined) unreadable.push(key)
      else {
        writes += journal.queue.length
        oldest = Math.min(oldest, ...journal.queue.map(({ at }) => at))
        for (const one of refusedOf(journal))
          if (poison.length < MAX_LISTED) poison.push(await show(home, key, { journal, ...one }))
      }
    }
  }
  const age = Number.isFinite(oldest) ? Math.max(0, Math.round(latestOf(context) - oldest)) : 0
  return { keys: entries.length, writes, age, poison, unreadable }
}

/** The journal; `undefined` when it is damaged, which an event has told. */
function readable(
  context: StoreContext,
  key: string,
  { seen, sentAt }: { readonly seen: Seen; readonly sentAt: number },
): Journal | undefined {
  try {
    return toSight(context, journalForm(key, null), seen, sentAt).value
  } catch (error) {
    if (error instanceof StoreError) return undefined
    throw error
  }
}

interface Refused {
  readonly write: QueuedWrite
  readonly outcome: 'stopped' | 'aside'
}

function refusedOf({ queue, aside, failure }: Journal): readonly Refused[] {
  const [first] = queue
  const stopped = first !== undefined && failure?.parked === true ? [{ write: first, outcome: 'stopped' } as const] : []
  return [...stopped, ...aside.map((write) => ({ write, outcome: 'aside' }) as const)]
}

async function show(
  home: BehindHome,
  key: string,
  { journal, write, outcome }: Refused & { readonly journal: Journal },
): Promise<PoisonWrite<unknown, unknown>> {
  const { n, id, at } = write
  const value = await home.values.open(write.sealed, key, id).catch(() => undefined)
  const code = outcome === 'stopped' ? journal.failure?.code : undefined
  return { params: journal.params ?? undefined, value, n, id, at, outcome, code }
}

/** Has the poison of a key tried again, or gives it up. Resolves to how many writes there were. */
export async function decide(home: BehindHome, key: string, decision: 'retry' | 'give up'): Promise<number> {
  const { context } = home
  const sight = await look(context, journalForm(key, null))
  // Only what is there now: a write that is refused meanwhile was not decided about.
  const numbers = refusedOf(sight.value).map(({ write }) => write.n)
  if (numbers.length === 0) return 0
  const result = await changeRecord<Journal>(context, {
    form: journalForm(key, null),
    from: sight,
    endsAt: context.clock.fast() + home.timeout,
    next(there) {
      if (!refusedOf(there).some(({ write }) => numbers.includes(write.n))) return undefined
      return decision === 'retry' ? retryRefused(there, latestOf(context)) : giveUp(there, numbers)
    },
  })
  if (result.outcome === 'ended') throw result.error
  home.sights.set(key, result.sight)
  return numbers.length
}
