import { type FaultProxy, startFaultProxy } from '@warmtoken/local'
import { afterAll, beforeAll, beforeEach, describe } from 'vitest'
import type { Backend, Running } from './backends/backend.ts'

/** A backend with a proxy before it. */
export interface Stage {
  readonly running: Running
  readonly proxy: FaultProxy
}

/**
 * Describes the same behaviors on each backend, which stands behind a fault proxy. One that is not available here is said
 * to be skipped, aloud.
 */
export function onEach(backends: readonly Backend[], tests: (stage: () => Stage) => void): void {
  for (const backend of backends) {
    describe(backend.name, () => {
      let stage: Stage | undefined
      let missing = ''
      beforeAll(async () => {
        try {
          const running = await backend.start()
          stage = { running, proxy: await startFaultProxy({ target: running.url ?? '' }) }
        } catch (error) {
          missing = `SKIPPED: ${backend.name}: ${error instanceof Error ? error.message : 'it did not start'}`
          console.error(`\n*** ${missing}\n`)
        }
      })
      beforeEach(({ skip }) => {
        if (stage === undefined) skip(missing)
      })
      afterAll(async () => {
        await stage?.proxy.close()
        await stage?.running.close()
      })
      tests(() => {
        if (stage === undefined) throw new Error(missing)
        return stage
      })
    })
  }
}
