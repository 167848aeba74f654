import { type FaultProxy, startFaultProxy } from '@warmtoken/local'
import { proxiedFaults, type StoreSubject, storeConformance } from '@warmtoken/testing/store'
import { afterAll, beforeAll, describe, test } from 'vitest'
import type { Backend, Running } from './backends/backend.ts'
import { type Outcomes, printTable } from './report.ts'

/** Runs the suite on each backend of a file, directly and through the fault proxy, and prints a table of all of them. */
export function runConformance(backends: {
  readonly direct: readonly Backend[]
  readonly proxied: readonly Backend[]
}): void {
  const outcomes: Outcomes = new Map()
  for (const backend of backends.direct) suite(outcomes, backend, false)
  for (const backend of backends.proxied) suite(outcomes, backend, true)
  afterAll(() => console.log(`\n${printTable(outcomes)}\n`))
}

/** A backend, directly or through a proxy that makes requests fail. */
function suite(outcomes: Outcomes, backend: Backend, isProxied: boolean): void {
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
      const { url = '', answers, connect, faults: own, ...insight } = running
      if (isProxied && own === undefined) proxy = await startFaultProxy({ target: url })
      const store = connect(proxy?.url ?? url)
      const faults = proxy === undefined ? own : proxiedFaults(proxy, answers)
      subject = { ...insight, store, ...(isProxied && faults && { faults }) }
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
