import type { Runtime } from '@warmtoken/core'

/** The system's edges, with both clocks ahead by what a test says. Timers run in real time. */
export interface ShiftedRuntime extends Runtime {
  /** Moves both clocks, in ms. */
  advance(ms: number): void
}

/** Makes one that is not ahead yet. */
export function shiftedRuntime(): ShiftedRuntime {
  let ahead = 0
  return {
    wall: () => Date.now() + ahead,
    monotonic: () => performance.now() + ahead,
    // No jitter: every environment asks exactly where the window begins.
    random: () => 0,
    unique: () => crypto.randomUUID(),
    after(ms, callback) {
      const timer = setTimeout(callback, ms)
      return () => clearTimeout(timer)
    },
    advance(ms) {
      ahead += ms
    },
  }
}
