import { createCache } from '../../src/data/cache.ts'
import { createBackend, NO_FAULTS } from '../backend.ts'
import { createProcess } from '../process.ts'
import { seeded } from '../random.ts'
import { createSchedule } from '../schedule.ts'

/** A bound of the loop: far more than a thousand environments need. */
const MAX_TURNS = 1_000_000

/** What came of many environments that ask for the same key at once. */
export interface ColdStart {
  /** How often the loader was called in all of them. */
  readonly loads: number
  /** What each of them was served. */
  readonly served: readonly unknown[]
  readonly reads: number
  readonly writes: number
}

/** Starts environments that know nothing, at once, in virtual time. The load takes half a second. */
export async function coldStart(environments: number): Promise<ColdStart> {
  const random = seeded(environments)
  const schedule = createSchedule()
  const ignored = (): void => {}
  const backend = createBackend({
    schedule,
    random,
    wholeSeconds: true,
    latency: [1, 12],
    faults: () => NO_FAULTS,
    isDown: () => false,
    onSend: ignored,
    onApply: ignored,
    onFault: ignored,
  })
  const served: unknown[] = []
  let loads = 0
  for (let n = 0; n < environments; n += 1) {
    const process = createProcess(`e${n}`, schedule, random, { skew: 0, monotonicStops: false })
    const list = createCache({ name: 'cold', store: backend.storeFor(process), runtime: process.runtime }).use({
      key: 'list:{id}',
      fresh: 600_000,
      load: async () => {
        loads += 1
        await process.sleep(500)
        return 'list'
      },
    })
    void list.get({ id: 1 }).then((value) => served.push(value))
  }
  // The first turns go by while the miss path is loaded, and nothing is planned yet.
  for (let turn = 0; turn < MAX_TURNS && served.length < environments; turn += 1) {
    schedule.step()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { loads, served, reads: backend.reads(), writes: backend.writes() }
}
