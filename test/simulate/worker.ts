import { parentPort, workerData } from 'node:worker_threads'
import { simulate, simulateData } from '@warmtoken/core/simulator'

const { what, seed, runs } = workerData as { what: 'tokens' | 'data'; seed: number; runs: number }
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
