import { median } from './numbers.ts'

/** How much processor time a batch takes, about, in µs. */
const BATCH = 60_000
const BATCHES = 5

/** Does something so many times. */
export type Loop = (calls: number) => Promise<void>

/** Processor time of this process in µs: a process beside it does not count, the collector's threads do. */
export function processorTime(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

/** What one call costs, in ns. */
export async function costOf(loop: Loop, calls: number): Promise<number> {
  const before = processorTime()
  await loop(calls)
  return ((processorTime() - before) * 1_000) / calls
}

/** How many calls make a batch; finding out warms the code up. */
export async function calibrate(loop: Loop): Promise<number> {
  let calls = 100
  for (;;) {
    const spent = ((await costOf(loop, calls)) * calls) / 1_000
    if (spent > BATCH / 2) return Math.ceil((calls * BATCH) / spent)
    calls *= 2
  }
}

/** The median of what a call costs over some batches, in ns. */
export async function timeOf(loop: Loop): Promise<number> {
  const calls = await calibrate(loop)
  const times: number[] = []
  for (let batch = 0; batch < BATCHES; batch += 1) times.push(await costOf(loop, calls))
  return median(times)
}
