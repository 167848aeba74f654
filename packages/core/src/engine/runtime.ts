import type { Runtime } from '../contracts.ts'
import { hitEdges } from './hit-edges.ts'

/** The real edges: the system's clocks, random numbers and timers. Timers never keep a process alive by themselves. */
export const systemRuntime: Runtime = {
  ...hitEdges,
  unique: () => crypto.randomUUID(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms)
    return () => clearTimeout(timer)
  },
}
