// `pnpm demo`: many cold environments need the same token at once, first as most functions do it, then by warmtoken.
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { startDynamoDB, startIssuer } from '@warmtoken/local'
import type { Wiring } from './environment.ts'
import { percentile, table } from './table.ts'

const ENVIRONMENTS = 30
const ISSUER_DELAY = 50
const CLIENT = { id: 'demo', secret: 'only-for-this-demo' }

/** Starts the environments, lets them all ask at the same moment, and gives their latencies in ms. */
async function stampede(wiring: Wiring): Promise<readonly number[]> {
  const workers = Array.from(
    { length: ENVIRONMENTS },
    () => new Worker(new URL('./environment.ts', import.meta.url), { workerData: wiring }),
  )
  try {
    await Promise.all(workers.map((worker) => once(worker, 'message')))
    const answers = workers.map((worker) => once(worker, 'message'))
    for (const worker of workers) worker.postMessage('go')
    const found = await Promise.all(answers)
    return found.map(([answer]) => (answer as { readonly took: number }).took)
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()))
  }
}

const [issuer, dynamoDB] = await Promise.all([
  startIssuer({ clients: [CLIENT], delay: ISSUER_DELAY }),
  startDynamoDB({ tables: ['tokens'] }),
])
try {
  const rows: (readonly string[])[] = []
  for (const way of ['module cache', 'warmtoken'] as const) {
    const before = issuer.tokenRequests
    const times = await stampede({
      issuer: issuer.url,
      client: CLIENT,
      table: { name: 'tokens', endpoint: dynamoDB.url },
      way,
    })
    const requests = String(issuer.tokenRequests - before)
    rows.push([way, requests, percentile(times, 50).toFixed(0), percentile(times, 99).toFixed(0)])
  }
  console.log(
    `${ENVIRONMENTS} cold environments ask for the same token at once; the issuer takes ${ISSUER_DELAY} ms.\n`,
  )
  console.log(table(['', 'token requests', 'p50 ms', 'p99 ms'], rows))
  console.log('\nEnvironments are worker threads of this machine, all that a first call loads is loaded before.')
} finally {
  await Promise.all([issuer.close(), dynamoDB.close()])
}
