import { machineTime } from '../lib/clocks.ts'

/**
 * Starts a stopwatch. The returned function gives the ms since then: the larger of what two clocks show, because one may
 * stop while the environment is frozen and the other may step back.
 */
export function stopwatch(): () => number {
  const wallStart = Date.now()
  const steadyStart = machineTime()
  return () => Math.max(Date.now() - wallStart, machineTime() - steadyStart)
}
