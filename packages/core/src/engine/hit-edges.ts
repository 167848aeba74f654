import type { Runtime } from '../contracts.ts'

/** The edges that a hit needs; the others are loaded with the slow path. */
export type HitEdges = Pick<Runtime, 'wall' | 'monotonic' | 'random'>

/** Those of the system. */
export const hitEdges: HitEdges = {
  wall: Date.now,
  monotonic: () => performance.now(),
  random: Math.random,
}
