import type { Runtime } from '../contracts.ts'
import { hitEdges } from './hit-edges.ts'

/** The longest time that a timer of Node can wait, in ms; beyond it, it fires at once. */
const LONGEST = 2 ** 31 - 1

/** The real edges: the system's clocks, random numbers and timers. Timers never keep a process alive by themselves. */
export const systemRuntime: Runtime = {
  ...hitEdges,
  unique: () => crypto.randomUUID(),
  after(ms, callback) {
    const timer = setTimeout(callback, Math.min(ms, LONGEST))
    return () => clearTimeout(timer)
  },
}
