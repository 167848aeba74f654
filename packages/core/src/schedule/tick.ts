import type { StoreContext } from '../engine/context.ts'
import { asFields, matches } from '../lib/parse.ts'
import { sleep, withDeadline } from '../lib/timing.ts'
import type { Boundaries } from './boundaries.ts'
import type { Ledger } from './ledger.ts'
import { claim, type Due, dueItems, end, itemOf, type PlanState, progress } from './state.ts'
import type { Plan } from './types.ts'

/** How many of a list are refreshed between two notes of the cursor: so many are repeated after a kill, mostly as hits. */
const CHUNK = 16
/** What is kept of the time for the last note, in ms. */
const RESERVE = 2_000
/** A token must live so much longer than until its next boundary, in ms: the next tick may be a minute late. */
const TOKEN_MARGIN = 60_000
/** A claim outlasts the deadline of its refresh by so much, in ms. */
const CLAIM_MARGIN = 5_000

/** What became of an item in a tick. */
export interface ItemRun {
  readonly name: string
  /** The boundary that it was run for, in ms since 1970. */
  readonly boundary: number
  /** How long after the boundary it was claimed, in ms. */
  readonly late: number
  /** `ok`; `failed`, and it is tried again later; `left`: time or limit was over, and it goes on at the next tick. */
  readonly outcome: 'ok' | 'failed' | 'left'
  /** How many were refreshed in this tick. */
  readonly refreshed: number
  /** The code of the last failure. */
  readonly code: string | undefined
}

/** What a tick needs. */
export interface TickParts {
  readonly context: StoreContext
  readonly plan: Plan
  readonly ledger: Ledger
  readonly boundaries: (now: number) => Promise<ReadonlyMap<string, Boundaries>>
  readonly concurrency: number
  readonly timeout: number
  /** The time that is left for this tick, in ms. */
  readonly remaining: () => number
}

/** A claimed item with where its list goes on. */
interface Job extends Due {
  readonly cursor: number
  readonly partCode: string
  readonly late: number
}

/** A refresh begins only when there is more time than this, in ms. */
export function leastTime(timeout: number): number {
  return timeout + RESERVE
}

/** Runs what is due, once. Rejects with `StoreError` when the record cannot be read or written. */
export async function runTick(parts: TickParts): Promise<readonly ItemRun[]> {
  const { context, plan, ledger, concurrency, timeout } = parts
  const by = context.runtime.unique()
  await ledger.read()
  const boundaries = await parts.boundaries(ledger.now().earliest)
  const tried = new Set<string>()
  const runs: ItemRun[] = []
  const limit = limiter(concurrency)
  const hasTime = (): boolean => parts.remaining() > leastTime(timeout)
  const claimEnd = (): number => ledger.now().latest + timeout + CLAIM_MARGIN

  /** The next that is due and was not tried in this tick. */
  const take = (): Promise<Job | undefined> =>
    ledger.change((state: PlanState, now) => {
      const due = dueItems(plan.items, { state, boundaries, now }).find(({ item }) => !tried.has(item.name))
      if (due === undefined) return { state, result: undefined }
      const claimed = claim(state, due, by, claimEnd())
      const { cursor, partCode } = itemOf(claimed, due.item.name)
      return { state: claimed, result: { ...due, cursor, partCode, late: now.latest - due.boundary } }
    })

  /** Resolves to the code of a failure, empty when it went well; `undefined` when it was not started any more. */
  const refresh = ({ item, boundary }: Job, params: unknown): Promise<string | undefined> =>
    limit(async () => {
      // It may have waited for others.
      if (!hasTime()) return undefined
      const now = ledger.now().latest
      const minLifetime = (boundaries.get(item.name)?.next ?? now) - now + TOKEN_MARGIN
      const wanted = { maxAge: Math.max(0, now - boundary), minLifetime: Math.max(0, minLifetime), timeout }
      const done = await withDeadline(context.runtime, { ms: timeout, patient: true }, () =>
        item.refresh(params, wanted),
      )
      if (done.outcome === 'done') return ''
      return done.outcome === 'failed' ? codeOf(done.cause) : 'TIMEOUT'
    })

  /** Renews the claim of an item while its refreshes run: they may wait for those of other items. */
  const whileClaimed = async <T>(
    {
      name,
      ...held
    }: { readonly name: string; readonly by: string; readonly cursor: number; readonly partCode: string },
    call: () => Promise<T>,
  ): Promise<T> => {
    const over = new AbortController()
    const renew = async (): Promise<void> => {
      while (!over.signal.aborted && parts.remaining() > 0) {
        await sleep(context.runtime, timeout / 2, over.signal)
        if (over.signal.aborted) return
        const note = { ...held, until: claimEnd() }
        await ledger.change((state) => ({ state: progress(state, name, note), result: undefined }))
      }
    }
    // Where it cannot be renewed, another tick may take the item over, which does no harm.
    const renewing = renew().catch(() => {})
    try {
      return await call()
    } finally {
      over.abort()
      await renewing
    }
  }

  const run = async (job: Job): Promise<ItemRun> => {
    const { item, boundary, late } = job
    let { cursor, partCode } = job
    const from = cursor
    const report = (outcome: ItemRun['outcome'], code = ''): ItemRun => ({
      name: item.name,
      boundary,
      late,
      outcome,
      refreshed: cursor - from,
      code: code || undefined,
    })
    const finish = async (code: string): Promise<ItemRun> => {
      const ending = { by, code, now: ledger.now().latest }
      await ledger.change((state) => ({ state: end(state, job, ending), result: undefined }))
      return report(code === '' ? 'ok' : 'failed', code)
    }
    const listed = await withDeadline(context.runtime, { ms: timeout }, () => item.list())
    if (listed.outcome !== 'done') return finish('LIST_FAILED')
    const all = listed.value
    const last = Math.min(all.length, from + item.limit)
    for (let ended = 1; cursor < last && ended > 0; ) {
      const chunk = all.slice(cursor, Math.min(last, cursor + CHUNK))
      const codes = await whileClaimed({ by, name: item.name, cursor, partCode }, () =>
        Promise.all(chunk.map((params) => refresh(job, params))),
      )
      ended = codes.includes(undefined) ? codes.indexOf(undefined) : codes.length
      cursor += ended
      partCode = codes.slice(0, ended).findLast((code) => code) ?? partCode
      if (cursor >= all.length) break
      const until = cursor < last && hasTime() ? claimEnd() : undefined
      const note = { by, cursor, partCode, until }
      await ledger.change((state) => ({ state: progress(state, item.name, note), result: undefined }))
    }
    // A list that has become shorter meanwhile is at its end too.
    return cursor >= all.length ? finish(partCode) : report('left', partCode)
  }

  const work = async (): Promise<void> => {
    // Each item is tried once, so this ends.
    while (hasTime()) {
      const job = await take()
      if (job === undefined) return
      tried.add(job.item.name)
      runs.push(await run(job))
    }
  }
  await Promise.all(Array.from({ length: concurrency }, work))
  return runs
}

/** Runs at most so many calls at once; the others wait in order. */
function limiter(most: number): <T>(call: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = []
  let running = 0
  return async (call) => {
    if (running >= most) await new Promise<void>((resolve) => waiting.push(resolve))
    else running += 1
    try {
      return await call()
    } finally {
      const next = waiting.shift()
      if (next === undefined) running -= 1
      else next()
    }
  }
}

/** The code of a failure; never its text, which may quote a value. */
function codeOf(cause: unknown): string {
  const code = asFields(cause)?.['code']
  return matches(code, /^[\w-]{1,64}$/) ? code : 'FAILED'
}
