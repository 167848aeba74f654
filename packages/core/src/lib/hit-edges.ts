import type { Runtime } from '../contracts.ts'

/** The edges that a hit needs; the others are loaded with the slow path. */
export type HitEdges = Pick<Runtime, 'wall' | 'monotonic' | 'random'>

/** Those of the system. */
export const hitEdges: HitEdges = {
  // Looked up at each call: fake timers of a test runner replace it.
  wall: () => Date.now(),
  // Not `performance.now`: the first look at that global loads eleven modules of Node, 1 ms of a cold start.
  monotonic: machineTime,
  random: Math.random,
}

/** CLOCK_MONOTONIC of the machine in ms, so that a new process in the same environment can count on from it. */
export function machineTime(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
