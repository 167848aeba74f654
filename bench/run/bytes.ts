import type { Loop } from './processor.ts'

/** Few enough for the most wasteful not to fill the young generation. */
const COUNTED = 10_000

/** What a call makes, in bytes, kept or not. Wants the flags `COUNTING` of child.ts. */
export async function bytesOf(loop: Loop): Promise<number> {
  for (let n = 0; n < 5; n += 1) await loop(COUNTED)
  globalThis.gc?.()
  const before = process.memoryUsage().heapUsed
  await loop(COUNTED)
  return (process.memoryUsage().heapUsed - before) / COUNTED
}
