/**
 * What the page knows of the fleet. It reads one page of records after the other, round and round: once every record was
 * read, one page every two seconds, and nothing while the tab is hidden.
 *
 * @module
 */

import type { Overview, RecordPage } from '@warmtoken/core/admin'
import type { RecordView } from '@warmtoken/core/operate'
import { ApiError, readOverview, readRecords } from './api.ts'

/** The pause between two pages once all were read, in ms. */
const PAUSE = 2_000
/** How old the overview may become, in ms. */
const OVERVIEW_LIFE = 10_000
/** The longest pause after a failure, in ms. */
const MAX_BACKOFF = 30_000
/** How many pages one round reads at most: 10,000 records. */
const MAX_PAGES = 100

/** What is known now. */
export interface Fleet {
  readonly overview: Overview | undefined
  readonly records: ReadonlyMap<string, RecordView>
  /** Whether every record was read at least once. */
  readonly isComplete: boolean
  /** Why the last request failed. */
  readonly problem: ApiError | undefined
  /** How far the clock of the admin function is ahead of this one's, in ms. */
  readonly ahead: number
  /** When the last answer came, by this machine's clock. 0: none yet. */
  readonly updatedAt: number
  readonly isPaused: boolean
}

/** Reads the fleet until it is closed. */
export interface Watch {
  readonly state: () => Fleet
  /** Calls back after each change. Returns what ends that. */
  readonly subscribe: (listener: () => void) => () => void
  pause(isPaused: boolean): void
  /** Reads the record of a key and the overview now. */
  look(key: string | undefined): Promise<void>
}

/** Starts to read. */
export function watchFleet(): Watch {
  const listeners = new Set<() => void>()
  let wake = (): void => {}
  let state: Fleet = {
    overview: undefined,
    records: new Map(),
    isComplete: false,
    problem: undefined,
    ahead: 0,
    updatedAt: 0,
    isPaused: false,
  }
  const set = (change: Partial<Fleet>): void => {
    state = { ...state, ...change }
    for (const listener of listeners) listener()
  }
  const heard = (now: number): Partial<Fleet> => ({
    ahead: now - Date.now(),
    updatedAt: Date.now(),
    problem: undefined,
  })
  const lookAtOverview = async (): Promise<void> => {
    const overview = await readOverview()
    set({ overview, ...heard(overview.now) })
  }
  const take = (page: RecordPage): void => {
    const records = new Map(state.records)
    for (const record of page.records) records.set(record.key, record)
    set({ records, ...heard(page.now) })
  }
  /** Resolves after a while, or when it is woken; never while nobody looks. */
  const rest = async (ms: number): Promise<void> => {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    while (document.hidden || state.isPaused)
      await new Promise<void>((resolve) => {
        wake = resolve
      })
  }
  const round = async (): Promise<void> => {
    const seen = new Set<string>()
    let after: string | undefined = ''
    let overviewAt = 0
    for (let pages = 0; after !== undefined && pages < MAX_PAGES; pages += 1) {
      if (Date.now() - overviewAt > OVERVIEW_LIFE) {
        await lookAtOverview()
        overviewAt = Date.now()
      }
      const page: RecordPage = await readRecords(after)
      for (const { key } of page.records) seen.add(key)
      take(page)
      after = page.next
      if (after !== undefined && state.isComplete) await rest(PAUSE)
    }
    const records = new Map([...state.records].filter(([key]) => seen.has(key)))
    set({ isComplete: true, ...(records.size < state.records.size && { records }) })
  }
  const run = async (): Promise<void> => {
    for (let failures = 0; ; ) {
      try {
        await round()
        failures = 0
      } catch (error) {
        failures += 1
        set({ problem: error instanceof ApiError ? error : new ApiError('The page failed to read the fleet.', 0) })
      }
      await rest(Math.min(PAUSE * 2 ** failures, failures === 0 ? PAUSE : MAX_BACKOFF))
    }
  }
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) wake()
  })
  void run()

  return {
    state: () => state,
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    pause(isPaused) {
      set({ isPaused })
      wake()
    },
    async look(key) {
      // Keys are read in their order, so what comes first behind a shorter one is the key itself.
      if (key !== undefined) take(await readRecords(key.slice(0, -1)))
      await lookAtOverview()
    },
  }
}
