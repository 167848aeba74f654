import type { Image } from '../contracts.ts'
import type { StoreContext } from '../engine/context.ts'
import { attemptRead, attemptSwap } from '../engine/miss/record-io.ts'
import { StoreError } from '../errors.ts'
import { sleep } from '../lib/timing.ts'
import { type Interval, type PlanState, parseState } from './state.ts'

/** How often a batch of changes is tried, each time on the record that is there then. */
const MAX_ATTEMPTS = 40
/** How often a write is repeated whose answer is lost. */
const MAX_REPEATS = 2
/** The longest pause after a conflict, in ms. */
const MAX_PAUSE = 200
/** How long a record is kept after its last change, in ms: 400 days. */
const KEEP: number = 400 * 86_400_000
const NEVER = new AbortController().signal

/** A change of the state: pure, and called again on another state after a conflict. */
export type Change<T> = (state: PlanState, now: Interval) => { readonly state: PlanState; readonly result: T }

/** The record of a plan. */
export interface Ledger {
  /** Reads the state. Rejects with `StoreError`. */
  read(): Promise<PlanState>
  /** Changes the state; changes that wait for the store go with one write. Rejects with `StoreError`. */
  change<T>(apply: Change<T>): Promise<T>
  /** The server's time now. */
  now(): Interval
}

interface Sight {
  readonly image: Image | undefined
  readonly state: PlanState
}

interface Waiting {
  /** Applies the change and remembers its result. */
  apply(state: PlanState, now: Interval): PlanState
  settle(): void
  reject(error: unknown): void
}

/** Opens the record of a plan. `print` writes a state. */
export function openLedger(context: StoreContext, key: string, print: (state: PlanState) => string): Ledger {
  const { runtime, server, store } = context
  const queue: Waiting[] = []
  let sight: Sight | undefined
  let isWriting = false

  const now = (): Interval => ({ earliest: server.earliest() ?? 0, latest: server.latest() ?? 0 })
  const toSight = (image: Image | undefined): Sight => ({ image, state: parseState(image?.body, key, now().latest) })

  const look = async (): Promise<Sight> => {
    const { value: seen, sentAt } = await attemptRead(context, { key, signal: NEVER }, (signal) =>
      store.read(key, { signal, consistent: true }),
    )
    server.observe(seen.time ?? { at: runtime.wall(), precision: 0 }, sentAt)
    return toSight(seen.image)
  }

  /** Writes a state in place of what was seen; resolves to what is there then, `undefined` where nobody knows. */
  const write = async (before: Sight, state: PlanState): Promise<Sight | undefined> => {
    const swap = { expected: before.image, body: print(state), tag: runtime.unique(), keepUntil: now().latest + KEEP }
    for (let repeat = 0; repeat <= MAX_REPEATS; repeat += 1) {
      const { result } = await attemptSwap(context, { key, signal: undefined }, swap)
      if (result.outcome === 'swapped') return { image: result.image, state }
      if (result.outcome === 'conflict') return toSight(result.seen.image)
    }
    const seen = await look()
    return seen.image?.tag === swap.tag ? { image: seen.image, state } : seen
  }

  const commit = async (batch: readonly Waiting[]): Promise<void> => {
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
      const before: Sight = sight ?? (await look())
      let { state } = before
      for (const { apply } of batch) state = apply(state, now())
      if (state === before.state) {
        sight = before
        return
      }
      sight = await write(before, state)
      if (sight?.state === state) return
      await sleep(runtime, runtime.random() * Math.min(MAX_PAUSE, 10 * attempt), NEVER)
    }
    const message = `the ${store.name} store did not confirm a change of the schedule in time (${key})`
    throw new StoreError(message, { key, retryable: true, code: 'STORE_TIMEOUT' })
  }

  const drain = async (): Promise<void> => {
    // What is asked for in the same turn goes together.
    await Promise.resolve()
    while (queue.length > 0) {
      const batch = queue.splice(0)
      try {
        await commit(batch)
        for (const { settle } of batch) settle()
      } catch (error) {
        sight = undefined
        for (const { reject } of batch) reject(error)
      }
    }
    isWriting = false
  }

  return {
    now,
    async read() {
      sight = await look()
      return sight.state
    },
    change: <T>(apply: Change<T>) =>
      new Promise<T>((resolve, reject) => {
        let last: { readonly result: T } | undefined
        queue.push({
          apply(state, time) {
            const changed = apply(state, time)
            last = changed
            return changed.state
          },
          settle: () => last !== undefined && resolve(last.result),
          reject,
        })
        if (isWriting) return
        isWriting = true
        void drain()
      }),
  }
}
