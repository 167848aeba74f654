/** Production caches of some environments that write one truth through, in virtual time. @module */

import { createCache } from '../../src/data/cache.ts'
import type { Resource, WriteContext } from '../../src/data/types.ts'
import '../../src/engine/miss/miss-path.ts'
import { WarmTokenError } from '../../src/errors.ts'
import { type Backend, createBackend, noisy } from '../backend.ts'
import { createProcess, type Process } from '../process.ts'
import { type Random, seeded } from '../random.ts'
import { createSchedule, type Schedule } from '../schedule.ts'
import { createWriteWitness, type Landed, type WriteViolation, type WriteWitness } from './witness.ts'

const MAX_EVENTS = 200_000
const RECHECK = 2_000
/** How many things each environment does. */
const ACTS = 20
const KEYS = ['a', 'b'] as const

/** What came of a run. */
export interface WriteResult {
  readonly seed: number
  readonly violations: readonly WriteViolation[]
  readonly events: number
  /** How often each thing worth seeing was seen. */
  readonly seen: ReadonlyMap<string, number>
}

/** A run that can be taken step by step. */
export interface WriteRun {
  step(): boolean
  finish(): WriteResult
}

interface World {
  readonly random: Random
  readonly schedule: Schedule
  readonly backend: Backend
  readonly witness: WriteWitness
  readonly trouble: 'none' | 'freeze' | 'crash' | 'everything'
  /** The truth by key: its value, and the highest number that it has taken. */
  readonly truth: Map<string, { readonly order: number; readonly n: number }>
  /** Whether the truth refuses a number that is lower than one it has taken. */
  readonly honorsNumbers: boolean
  readonly orders: { last: number }
  saw(name: string): void
  tell(what: () => string): void
}

/** What a writer is told, and what it tells. */
interface Order {
  /** Whether nothing is to be kept. */
  readonly isAside: boolean
  landed: Landed | undefined
}

/** A refusal of the truth: nothing was written. */
class Refused extends Error {
  readonly retryable = false
}

/** Prepares the run of a seed. `trace` receives a line for everything that happens. */
export function prepareWriteRun(seed: number, trace?: (line: string) => void): WriteRun {
  const random = seeded(seed)
  const schedule = createSchedule()
  const seen = new Map<string, number>()
  const saw = (name: string): void => void seen.set(name, (seen.get(name) ?? 0) + 1)
  const tell = (what: () => string): void => trace?.(`${schedule.now().toFixed(1).padStart(12)}  ${what()}`)
  const faults = noisy(random.pick([0, 0, 0.05, 0.15]))
  const outage = random.chance(0.2) ? random.between(0, 60_000) : Number.POSITIVE_INFINITY
  const witness = createWriteWitness({ schedule, recheck: RECHECK, saw })
  const backend = createBackend({
    schedule,
    random,
    wholeSeconds: random.chance(0.5),
    latency: [1, 30],
    faults: () => faults,
    isDown: () => schedule.now() >= outage && schedule.now() < outage + 5_000,
    onSend: () => {},
    onApply(applied) {
      tell(() => `${applied.process.name} writes ${applied.after.body}`)
      witness.onApply(applied)
    },
    onFault: saw,
  })
  const trouble = random.pick(['none', 'freeze', 'crash', 'everything'] as const)
  const truth: World['truth'] = new Map(KEYS.map((key) => [key, { order: 0, n: 0 }]))
  const honorsNumbers = random.chance(0.5)
  const world: World = {
    random,
    schedule,
    backend,
    witness,
    trouble,
    truth,
    honorsNumbers,
    orders: { last: 0 },
    saw,
    tell,
  }
  const count = 2 + Math.floor(random.between(0, 3))
  for (let n = 0; n < count; n += 1) void live(world, `e${n}`)
  let events = 0
  return {
    step() {
      events += 1
      return events <= MAX_EVENTS && schedule.step()
    },
    finish: () => ({ seed, violations: witness.violations, events, seen }),
  }
}

interface Environment {
  readonly world: World
  readonly process: Process
  readonly resource: Resource<{ readonly key: string | number }, Landed, Order>
  /** Keys that it has asked for or written. */
  readonly known: Set<string>
}

/** One environment: gets and writes, again and again. */
async function live(world: World, name: string): Promise<void> {
  const { random, schedule, backend, tell } = world
  const skew = random.between(-300_000, 300_000)
  const process = createProcess(name, schedule, random, { skew, monotonicStops: random.chance(0.7) })
  const cache = createCache({
    name: 'sim',
    store: backend.storeFor(process),
    runtime: process.runtime,
    recheck: RECHECK,
    unchecked: 0,
    onEvent: (event) => tell(() => `${name} ${JSON.stringify(event)}`),
  })
  const resource = cache.use({
    key: 'k:{key}',
    fresh: 300_000,
    load: ({ key }) => load(world, process, `${key}`),
    write: async ({ key }, order: Order, context) => {
      order.landed = await write(world, process, { key: `${key}`, context })
      return order.isAside ? undefined : order.landed
    },
  })
  befall(world, process)
  const environment = { world, process, resource, known: new Set<string>() }
  for (let act = 0; act < ACTS; act += 1) {
    await process.sleep(random.between(0, random.pick([50, 1_500, 5_000])))
    const key = random.pick(KEYS)
    const acting = random.chance(0.7) ? getOne(environment, key) : writeOne(environment, key)
    if (random.chance(0.8)) await acting
  }
}

/** Reads the truth somewhere on its way. */
async function load({ random, truth }: World, process: Process, key: string): Promise<Landed> {
  await process.sleep(random.between(5, 200))
  const order = truth.get(key)?.order ?? 0
  await process.sleep(random.between(5, 200))
  return { key, order }
}

/** Writes the truth: the request goes its way whatever becomes of its sender, and the answer may be lost. */
async function write(
  { random, schedule, truth, witness, honorsNumbers, saw, tell, orders }: World,
  process: Process,
  { key, context: { n, id } }: { readonly key: string; readonly context: WriteContext },
): Promise<Landed> {
  witness.onWriter(key, n)
  const way = random.chance(0.1) ? random.between(1_000, 12_000) : random.between(5, 300)
  const isLost = random.chance(0.05)
  return new Promise<Landed>((resolve, reject) => {
    schedule.after(way, () => {
      if (honorsNumbers && n < (truth.get(key)?.n ?? 0)) {
        saw('refused by its number')
        schedule.after(5, () => process.deliver(() => reject(new Refused('a later write was taken'))))
        return
      }
      orders.last += 1
      const landed = { key, order: orders.last }
      truth.set(key, { order: orders.last, n })
      tell(() => `the truth of ${key} takes ${landed.order} of ${process.name}`)
      witness.onLanded(landed, id)
      if (!isLost) schedule.after(random.between(5, 100), () => process.deliver(() => resolve(landed)))
    })
  })
}

async function getOne({ world, process, resource, known }: Environment, key: string): Promise<void> {
  const { schedule, witness, saw, tell } = world
  const [beganAt, isCold] = [schedule.now(), !known.has(key)]
  known.add(key)
  try {
    const served = await resource.get({ key })
    tell(() => `${process.name} is served ${served?.order} of ${key}`)
    if (served !== undefined) witness.onServed(process, served, { beganAt, isCold })
  } catch (error) {
    if (!(error instanceof WarmTokenError)) witness.violate('W5 typed', String(error))
    else saw(`get: ${error.code}`)
  }
}

async function writeOne({ world, process, resource, known }: Environment, key: string): Promise<void> {
  const { random, witness, saw, tell } = world
  known.add(key)
  const order: Order = { isAside: random.chance(0.3), landed: undefined }
  try {
    const { outcome } = await resource.write({ key }, order, { timeout: random.pick([1_000, 10_000]) })
    tell(() => `${process.name} wrote ${order.landed?.order} of ${key}: ${outcome}`)
    if (order.landed !== undefined) witness.onResolved(process, order.landed, outcome)
  } catch (error) {
    tell(() => `${process.name} fails to write ${key}: ${String(error)}`)
    if (error instanceof Refused) saw('refused')
    else if (error instanceof WarmTokenError) saw(`write: ${error.code}`)
    else witness.violate('W5 typed', String(error))
  }
}

function befall({ random, schedule, trouble, saw }: World, process: Process): void {
  const at = (action: () => void): void => void schedule.after(random.between(0, 60_000), action)
  if (trouble === 'freeze' || trouble === 'everything')
    for (let n = 0; n < 4; n += 1)
      at(() => {
        saw('freeze')
        process.freeze()
        schedule.after(random.between(100, 15_000), process.thaw)
      })
  if (trouble === 'crash' || trouble === 'everything')
    at(() => {
      saw('crash')
      process.crash()
    })
}
