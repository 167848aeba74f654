import { Worker } from 'node:worker_threads'
import type { Part } from './report.ts'

/** Shares runs out among worker threads. A run follows from its seed alone, so who runs it makes no difference. */
export async function inWorkers(options: {
  what?: 'tokens' | 'data'
  seed: number
  runs: number
  workers: number
}): Promise<readonly Part[]> {
  const { what = 'tokens', seed, runs } = options
  const workers = Math.min(options.workers, runs)
  const share = Math.ceil(runs / workers)
  const one = (index: number): Promise<Part> =>
    new Promise((resolve, reject) => {
      const from = index * share
      const data = { what, seed: seed + from, runs: Math.max(0, Math.min(share, runs - from)) }
      const worker = new Worker(new URL('./worker.ts', import.meta.url), {
        workerData: data,
        execArgv: ['--conditions=source'],
      })
      worker.once('message', resolve)
      worker.once('error', reject)
    })
  return Promise.all(Array.from({ length: workers }, (_, index) => one(index)))
}
