import type { Runtime } from '../contracts.ts'

/** The part of the system's runtime that a hit needs. The rest, in `runtime.ts`, would add 345 bytes to what every hit loads. */
export const systemClocks: Pick<Runtime, 'wall' | 'monotonic' | 'random'> = {
  // Looked up at each call: fake timers of a test runner replace it.
  wall: () => Date.now(),
  // Not `performance.now`: the first use of that global loads eleven modules of Node, 1 ms of a cold start.
  monotonic: machineTime,
  random: Math.random,
}

/** CLOCK_MONOTONIC of the machine in ms. A new process in the same environment continues from it. */
export function machineTime(): number {
  // Workers with an early compatibility date have no `hrtime`.
  return Number(process.hrtime?.bigint() ?? performance.now() * 1e6) / 1e6
}
