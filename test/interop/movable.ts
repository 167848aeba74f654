import type { Runtime } from '@warmtoken/core'

/** Clocks that are moved ahead by as much as a test says. */
export function movable(): { readonly runtime: Runtime; advance(ms: number): void } {
  let ahead = 0
  const runtime: Runtime = {
    wall: () => Date.now() + ahead,
    monotonic: () => performance.now() + ahead,
    random: Math.random,
    unique: () => crypto.randomUUID(),
    after(ms, callback) {
      const timer = setTimeout(callback, ms)
      return () => clearTimeout(timer)
    },
  }
  return {
    runtime,
    advance(ms) {
      ahead += ms
    },
  }
}
