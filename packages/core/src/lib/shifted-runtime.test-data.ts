import type { Runtime } from '../contracts.ts'
import { systemRuntime } from './runtime.ts'

/** The system's clocks, moved ahead by as much as a test says. */
export function shiftedRuntime(): { readonly runtime: Runtime; advance(ms: number): void } {
  let ahead = 0
  return {
    runtime: {
      ...systemRuntime,
      wall: () => systemRuntime.wall() + ahead,
      monotonic: () => systemRuntime.monotonic() + ahead,
    },
    advance(ms) {
      ahead += ms
    },
  }
}
