import type { Runtime, Store } from '../contracts.ts'
import { memoryStore } from '../stores/memory.ts'

/** A clock that stands still until it is moved, and timers that fire when it is. */
export interface FakeTime {
  readonly runtime: Runtime
  now(): number
  pass(ms: number): void
  /** Lets time pass until a promise is settled. */
  run<T>(promise: Promise<T>): Promise<T>
}

/** Makes a clock that stands still. */
export function fakeTime(): FakeTime {
  let now = 1_700_000_000_000
  let made = 0
  const timers: { at: number; callback: () => void }[] = []
  const runtime: Runtime = {
    wall: () => now,
    monotonic: () => now,
    random: () => 0,
    unique: () => `u${made++}`,
    after(ms, callback) {
      const timer = { at: now + ms, callback }
      timers.push(timer)
      return () => {
        const index = timers.indexOf(timer)
        if (index >= 0) timers.splice(index, 1)
      }
    },
  }
  const pass = (ms: number): void => {
    now += ms
    for (const timer of timers.filter(({ at }) => at <= now)) {
      timers.splice(timers.indexOf(timer), 1)
      timer.callback()
    }
  }
  return {
    runtime,
    now: () => now,
    pass,
    async run(promise) {
      let isOver = false
      const ended = promise.finally(() => {
        isOver = true
      })
      ended.catch(() => {})
      while (!isOver) {
        await new Promise((resolve) => setImmediate(resolve))
        pass(1)
      }
      return ended
    },
  }
}

/** A store in memory that counts its requests, and can fail or give no answer. */
export interface CountingStore {
  readonly store: Store
  readonly counts: { reads: number; keys: number; swaps: number }
  readonly state: { isDown: boolean; isSilent: boolean }
}

/** Makes such a store. */
export function countingStore(wall: () => number): CountingStore {
  const inner = memoryStore({ wall })
  const counts = { reads: 0, keys: 0, swaps: 0 }
  const state = { isDown: false, isSilent: false }
  const check = async (): Promise<void> => {
    if (state.isSilent) await new Promise(() => {})
    if (state.isDown) throw Object.assign(new Error('down'), { code: 'STORE_UNAVAILABLE', retryable: true })
  }
  const store: Store = {
    name: 'counting',
    async read(key, options) {
      counts.reads += 1
      counts.keys += 1
      await check()
      return inner.read(key, options)
    },
    async readMany(keys, options) {
      counts.reads += 1
      counts.keys += keys.length
      await check()
      return (await inner.readMany?.(keys, options)) ?? new Map()
    },
    async swap(key, swap, options) {
      counts.swaps += 1
      await check()
      return inner.swap(key, swap, options)
    },
  }
  return { store, counts, state }
}

/** A promise with its resolver. */
export function gate<T = void>(): { readonly opened: Promise<T>; open(value: T): void } {
  let open: (value: T) => void = () => {}
  const opened = new Promise<T>((resolve) => {
    open = resolve
  })
  return { opened, open }
}
