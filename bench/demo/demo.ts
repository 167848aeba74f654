// `pnpm demo`: many cold environments need the same token at once, first as most functions do it, then with warmtoken.
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { startDynamoDB, startIssuer } from '@warmtoken/local'
import type { Wiring } from './environment.ts'
import { percentile, table } from './table.ts'

const ENVIRONMENTS = 30
const ROUNDS = 3
const ISSUER_DELAY = 50
const WAYS = ['module variable', 'warmtoken'] as const
const CLIENT = { id: 'demo', secret: 'only-for-this-demo' }

interface Measured {
  readonly tokenRequests: number[]
  /** How long each environment waited for its token, in ms. */
  readonly waits: number[]
}

/** Starts the environments, lets them all ask at the same moment, and gives how long each waited, in ms. */
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

async function measure(): Promise<Readonly<Record<(typeof WAYS)[number], Measured>>> {
  const measured = {
    'module variable': { tokenRequests: [], waits: [] },
    warmtoken: { tokenRequests: [], waits: [] },
  } satisfies Record<string, Measured>
  const [issuer, dynamoDB] = await Promise.all([
    startIssuer({ clients: [CLIENT], delay: ISSUER_DELAY }),
    startDynamoDB({ tables: ['tokens'] }),
  ])
  try {
    for (let round = 1; round <= ROUNDS; round += 1) {
      for (const way of WAYS) {
        const before = issuer.tokenRequests
        const tokenTable = { name: 'tokens', endpoint: dynamoDB.url }
        const waits = await stampede({ issuer: issuer.url, client: CLIENT, table: tokenTable, round, way })
        const { tokenRequests, waits: all }: Measured = measured[way]
        tokenRequests.push(issuer.tokenRequests - before)
        all.push(...waits)
      }
    }
  } finally {
    await Promise.all([issuer.close(), dynamoDB.close()])
  }
  return measured
}

console.log(`${ENVIRONMENTS} cold environments of one function need the same access token at the same moment, ${ROUNDS} times over.
The issuer takes ${ISSUER_DELAY} ms for a token request and never refuses one.
`)
const measured = await measure()
const rows = WAYS.map((way) => {
  const { tokenRequests, waits } = measured[way]
  const times = [50, 99].map((percent) => percentile(waits, percent).toFixed(0))
  return [way, percentile(tokenRequests, 50).toString(), ...times]
})
console.log(table(['', 'token requests', 'median wait, ms', 'p99 wait, ms'], rows))
console.log(`
token requests   what the issuer sees, counts against your rate limit, and may bill
median wait      how long half of the environments waited for their token, at most

With a module variable every environment asks for itself. That is as quick as the issuer, until the issuer answers 429.
With warmtoken one environment asks, and the others read its token from the table, so a first call may wait a little
longer: two requests to the table more for the one that asks, and a look now and then for the others. It happens only
when nobody has a token yet. Later calls find it in memory, and a refresh runs before the old token ends.

Environments are worker threads here, and they share this machine's ${navigator.hardwareConcurrency} cores with the issuer and the table. On Lambda
each has its own, so compare the columns and not the milliseconds with a deployment.`)
