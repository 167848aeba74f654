/** Production leases of some environments that want the same one, in virtual time. @module */

import { WarmTokenError } from '../../src/errors.ts'
import { type Held, withLease } from '../../src/lease/lease.ts'
import { type Backend, createBackend, noisy } from '../backend.ts'
import { createProcess, type Process } from '../process.ts'
import { type Random, seeded } from '../random.ts'
import { createSchedule, type Schedule } from '../schedule.ts'
import { createLeaseWitness, type LeaseViolation, type LeaseWitness } from './witness.ts'

const MAX_EVENTS = 100_000
/** How often each environment wants the lease. */
const TURNS = 6
const DAY = 86_400_000

/** What came of a run. */
export interface LeaseResult {
  readonly seed: number
  readonly violations: readonly LeaseViolation[]
  readonly events: number
  /** How often each thing worth seeing was seen. */
  readonly seen: ReadonlyMap<string, number>
}

/** A run that can be taken step by step. */
export interface LeaseRun {
  step(): boolean
  finish(): LeaseResult
}

type Trouble = 'none' | 'freeze' | 'clocks' | 'crash' | 'idle'

interface World {
  readonly random: Random
  readonly schedule: Schedule
  readonly backend: Backend
  readonly witness: LeaseWitness
  readonly trouble: Trouble
  readonly length: number
  saw(name: string): void
  tell(what: () => string): void
}

/** Prepares the run of a seed. `trace` receives a line for everything that happens. */
export function prepareLeaseRun(seed: number, trace?: (line: string) => void): LeaseRun {
  const random = seeded(seed)
  const schedule = createSchedule()
  const seen = new Map<string, number>()
  const saw = (name: string): void => void seen.set(name, (seen.get(name) ?? 0) + 1)
  const tell = (what: () => string): void => trace?.(`${schedule.now().toFixed(1).padStart(12)}  ${what()}`)
  const faults = noisy(random.pick([0, 0, 0.05, 0.15]))
  const backend = createBackend({
    schedule,
    random,
    wholeSeconds: random.chance(0.5),
    latency: [1, 30],
    faults: () => faults,
    isDown: () => false,
    onSend: () => {},
    onApply: ({ process, after }) => tell(() => `${process.name} writes ${after.body}`),
    onFault: saw,
  })
  const witness = createLeaseWitness(schedule, saw)
  const trouble = random.pick(['none', 'freeze', 'freeze', 'clocks', 'crash', 'idle'] as const)
  const length = random.pick([1_000, 2_500, 6_000])
  const world: World = { random, schedule, backend, witness, trouble, length, saw, tell }
  const count = 2 + Math.floor(random.between(0, 4))
  for (let n = 0; n < count; n += 1) void live(world, `e${n}`)
  let events = 0
  return {
    step() {
      events += 1
      witness.check()
      return events <= MAX_EVENTS && schedule.step()
    },
    finish: () => ({ seed, violations: witness.violations, events, seen }),
  }
}

/** One environment: wants the lease again and again. */
async function live(world: World, name: string): Promise<void> {
  const { random, schedule, backend, trouble, length, saw, tell } = world
  const skew = random.between(-300_000, 300_000)
  const process = createProcess(name, schedule, random, { skew, monotonicStops: random.chance(0.7) })
  befall(world, process)
  const store = backend.storeFor(process)
  for (let turn = 0; turn < TURNS; turn += 1) {
    await process.sleep(trouble === 'idle' && random.chance(0.3) ? 2 * DAY : random.between(0, 2 * length))
    if (trouble === 'idle') backend.cleanUp()
    const duration = length * random.pick([1, 1, 3])
    const options = { length, duration, wait: random.pick([0, length, 5 * length]) }
    try {
      await withLease({ store, runtime: process.runtime }, 'job', options, (held) => work(world, process, held))
      saw('done')
    } catch (error) {
      tell(() => `${process.name} fails: ${String(error)}`)
      if (!(error instanceof WarmTokenError)) world.witness.violate('L3 typed', `${String(error)}`)
      else saw(error.code)
    }
  }
}

/** Work that looks at its own clock, and writes to a resource whether it still holds the lease or not. */
async function work({ random, schedule, witness, length, tell }: World, process: Process, held: Held): Promise<void> {
  tell(() => `${process.name} holds ${held.fence}`)
  const end = witness.begin(process, held)
  const steps = Math.floor(random.between(1, 8))
  for (let step = 0; step < steps; step += 1) {
    // The request is on its way for a while, whatever becomes of its sender.
    schedule.after(random.between(0, 50), () => witness.onWrite(held.fence))
    await process.sleep(random.between(0, length / 3))
  }
  end()
}

function befall({ random, schedule, trouble, length, saw }: World, process: Process): void {
  const horizon = TURNS * 3 * length
  const at = (action: () => void): void => void schedule.after(random.between(0, horizon), action)
  if (trouble === 'freeze')
    for (let n = 0; n < 4; n += 1)
      at(() => {
        saw('freeze')
        process.freeze()
        schedule.after(random.between(100, 4 * length), process.thaw)
      })
  // A step back while the monotonic clock stands still cannot be noticed by anyone, so one excludes the other.
  if (trouble === 'clocks')
    for (let n = 0; n < 3; n += 1)
      at(() => {
        saw('clock step')
        process.stepWall(random.between(-300_000, 300_000))
      })
  if (trouble === 'crash' && random.chance(0.7))
    at(() => {
      saw('crash')
      process.crash()
    })
}
