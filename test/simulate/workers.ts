import { Worker } from 'node:worker_threads'
import type { Part } from './report.ts'

/** How many runs a worker is given at a time: few enough that all workers end at about the same time. */
const BLOCK = 250
/** So many runs that broke a promise are enough to look at. */
const ENOUGH_FAILURES = 20

/** Some runs for one worker. */
export interface Block {
  readonly what: 'tokens' | 'data'
  readonly seed: number
  readonly runs: number
}

/** What is to be run. */
export interface Work {
  readonly what?: Block['what']
  readonly seed: number
  readonly runs: number
  readonly workers: number
  /** Ends it early, after the blocks in progress. Those are the first seeds, without a gap. */
  readonly signal?: AbortSignal
  /** Receives the result of each block as it is there. */
  readonly onPart?: (part: Part) => void
}

/** Shares runs out among worker threads. A run follows from its seed alone, so who runs it makes no difference. */
export async function inWorkers({
  what = 'tokens',
  seed,
  runs,
  workers,
  signal,
  onPart,
}: Work): Promise<readonly Part[]> {
  const parts: Part[] = []
  let next = 0
  let failures = 0
  const takeBlock = (): Block | undefined => {
    if (next >= runs || signal?.aborted || failures >= ENOUGH_FAILURES) return undefined
    const block = { what, seed: seed + next, runs: Math.min(BLOCK, runs - next) }
    next += block.runs
    return block
  }
  const work = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL('./worker.ts', import.meta.url), { execArgv: ['--conditions=source'] })
      const give = (): void => {
        const block = takeBlock()
        if (block !== undefined) worker.postMessage(block)
        else worker.terminate().then(() => resolve(), reject)
      }
      worker.on('message', (part: Part) => {
        parts.push(part)
        failures += part.failures.length
        onPart?.(part)
        give()
      })
      worker.once('error', reject)
      give()
    })
  await Promise.all(Array.from({ length: Math.min(workers, Math.ceil(runs / BLOCK)) }, work))
  return parts
}
