import { parentPort } from 'node:worker_threads'
import { simulate, simulateData } from '@warmtoken/core/simulator'
import type { Block } from './workers.ts'

// One block of runs after the other, until the parent ends the thread.
parentPort?.on('message', async ({ what, seed, runs }: Block) => {
  const run = what === 'data' ? simulateData : simulate
  const { failures, seen, ...counts } = await run({ seed, runs, stopAfter: 20 })
  parentPort?.postMessage({
    ...counts,
    seen: [...seen],
    failures: failures.map(({ seed: bad, scenario, violations }) => ({
      seed: bad,
      trouble: scenario.trouble,
      violations,
    })),
  })
})
