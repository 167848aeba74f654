import { type FaultProxy, startFaultProxy } from '@warmtoken/local'
import { proxiedFaults, type StoreSubject, storeConformance } from '@warmtoken/testing/store'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { accounts } from './backends/accounts.ts'
import type { Backend, Running } from './backends/backend.ts'
import { dynalite, dynamoDBLocal, dynoxide, leanDynalite, leanDynoxide } from './backends/dynamodb.ts'
import { fronted, memory } from './backends/in-process.ts'
import { radosgw } from './backends/radosgw.ts'
import { s3StandIn } from './backends/s3.ts'
import { upstashByClient, upstashByDefaults, upstashOverMemory, upstashOverRedis } from './backends/upstash.ts'
import { type Outcomes, printTable } from './report.ts'

/** Ceph's gateway takes a minute to install and start, so it joins when it is asked for. */
const witness = process.env['WARMTOKEN_RADOSGW'] === undefined ? [] : [radosgw]
const { WARMTOKEN_DYNAMODB_LOCAL: folder } = process.env
const second = folder === undefined ? [] : dynamoDBLocal(folder)
const dynamoDB = [dynalite, leanDynalite, dynoxide, leanDynoxide, ...second]
const local = [...dynamoDB, s3StandIn, ...witness, upstashOverMemory, upstashOverRedis, upstashByClient]
const outcomes: Outcomes = new Map()

/** A backend, directly or through a proxy that makes requests fail. */
function suite(backend: Backend, isProxied: boolean): void {
  const name = `${backend.name}${isProxied ? ', through the fault proxy' : ''}`
  const results: NonNullable<ReturnType<Outcomes['get']>> = new Map()
  outcomes.set(name, results)

  describe(name, () => {
    let running: Running | undefined
    let proxy: FaultProxy | undefined
    let subject: StoreSubject | undefined
    let missing = 'it did not start'

    beforeAll(async () => {
      running = await backend.start().catch((error: unknown) => {
        missing = error instanceof Error ? error.message : 'it did not start'
        console.error(`\n*** SKIPPED: ${name}: ${missing}\n`)
        return undefined
      })
      if (running === undefined) return
      const { url = '', answers, connect, ...insight } = running
      if (isProxied) proxy = await startFaultProxy({ target: url })
      const store = connect(proxy?.url ?? url)
      subject = { ...insight, store, ...(proxy && { faults: proxiedFaults(proxy, answers) }) }
    })
    afterAll(async () => {
      await proxy?.close()
      await running?.close()
    })

    const cases = storeConformance(() => subject ?? Promise.reject(new Error(missing)))
    for (const { name: behavior, run } of cases) {
      test(behavior, async ({ skip }) => {
        if (subject === undefined) results.set(behavior, 'SKIPPED')
        if (subject === undefined) skip(`SKIPPED: ${missing}`)
        results.set(behavior, 'FAILED')
        const result = await run()
        results.set(behavior, result)
        if (result !== 'pass') skip(`gap: ${result.gap}`)
      })
    }
  })
}

for (const backend of [memory, fronted, ...local, upstashByDefaults, ...accounts]) suite(backend, false)
for (const backend of local) suite(backend, true)

afterAll(() => console.log(`\n${printTable(outcomes)}\n`))
