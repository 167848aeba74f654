import { parentPort, workerData } from 'node:worker_threads'
import { simulate } from '@warmtoken/core/simulator'

const { seed, runs } = workerData as { seed: number; runs: number }
const { failures, seen, ...counts } = await simulate({ seed, runs, stopAfter: 20 })
parentPort?.postMessage({
  ...counts,
  seen: [...seen],
  failures: failures.map(({ seed: bad, scenario, violations }) => ({
    seed: bad,
    trouble: scenario.trouble,
    violations,
  })),
})
