import type { Runtime } from '../contracts.ts'

/** A runtime whose time moves only when a test says so. */
export interface VirtualRuntime {
  readonly runtime: Runtime
  /** The time, in ms since 1970. */
  now(): number
  /** Moves the time on, and calls the timers that become due in their order. */
  advance(ms: number): Promise<void>
  /** Advances in steps until the work has settled; at most an hour. Resolves or rejects as the work does. */
  finish<T>(work: Promise<T>): Promise<T>
}

interface Timer {
  readonly at: number
  readonly callback: () => void
}

/** Lets everything run that waits for no timer. */
async function flush(): Promise<void> {
  for (let turn = 0; turn < 4; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

/** Makes a runtime that begins at an instant, with random numbers of your own. */
export function virtualRuntime(start = 1_800_000_000_000, random: () => number = () => 0.5): VirtualRuntime {
  let time = start
  let marks = 0
  const timers = new Set<Timer>()

  const advance = async (ms: number): Promise<void> => {
    const end = time + ms
    await flush()
    for (;;) {
      const next = [...timers].sort((one, other) => one.at - other.at)[0]
      if (next === undefined || next.at > end) break
      timers.delete(next)
      time = Math.max(time, next.at)
      next.callback()
      await flush()
    }
    time = end
  }

  return {
    runtime: {
      wall: () => time,
      monotonic: () => time - start,
      random,
      unique: () => `mark-${start}-${marks++}`,
      after(ms, callback) {
        const timer = { at: time + ms, callback }
        timers.add(timer)
        return () => timers.delete(timer)
      },
    },
    now: () => time,
    advance,
    async finish(work) {
      let settled = false
      const done = (): void => {
        settled = true
      }
      work.then(done, done)
      for (let step = 0; step < 36_000 && !settled; step += 1) await advance(100)
      return work
    },
  }
}
