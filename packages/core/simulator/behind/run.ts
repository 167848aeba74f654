/** Production write-behinds of some keys, in some environments, in virtual time. @module */

import { WarmTokenError } from '../../src/errors.ts'
import { createBehindKeys } from '../../src/write-behind/shard.ts'
import { type AppliedWrite, type WriteBehind, writeBehind } from '../../src/write-behind/write-behind.ts'
import { type Backend, createBackend, NO_FAULTS } from '../backend.ts'
import { createProcess, type Process } from '../process.ts'
import { type Random, seeded } from '../random.ts'
import { createSchedule, type Schedule } from '../schedule.ts'
import { type BehindViolation, type BehindWitness, createBehindWitness } from './witness.ts'

const NAME = 'sim'
const DAY = 86_400_000
const MAX_EVENTS = 200_000
/** So many writes follow at once that a journal does not remember the ids of all. */
const BURST = 40
/** What a call may take beyond its own time: the last requests, and how patient they are. */
const PATIENCE = 12_000
const TROUBLES = [
  'calm',
  'network',
  'network',
  'crash',
  'freeze',
  'clocks',
  'truth',
  'poison',
  'idle',
  'everything',
] as const
/** The kinds of trouble that a run is given. */
export type BehindTrouble = (typeof TROUBLES)[number]

/** What came of a run. */
export interface BehindResult {
  readonly seed: number
  readonly trouble: BehindTrouble
  readonly violations: readonly BehindViolation[]
  readonly events: number
  readonly calls: number
  /** How often each thing worth seeing was seen. */
  readonly seen: ReadonlyMap<string, number>
}

/** A run that can be taken step by step. */
export interface BehindRun {
  step(): boolean
  finish(): BehindResult
}

type Behind = WriteBehind<{ readonly id: string | number }, readonly string[]>

interface World {
  readonly trouble: BehindTrouble
  readonly merges: boolean
  readonly random: Random
  readonly schedule: Schedule
  readonly backend: Backend
  readonly witness: BehindWitness
  readonly open: Map<object, { readonly process: Process; readonly what: string }>
  /** Writes that the truth refuses always. */
  readonly bad: Set<string>
  /** Numbers that `apply` was called with, by key. */
  readonly delivered: Set<string>
  readonly counts: { calls: number; writes: number }
  isTroubled: boolean
  keyOf(id: string | number): string
  saw(name: string): void
  tell(what: () => string): void
}

interface Environment {
  readonly process: Process
  readonly behind: Behind
  readonly world: World
  /** Loads that it has kept, with the number that was current before. */
  readonly kept: Map<string, { readonly value: readonly string[] | undefined; readonly done: number }>
}

/** How a run is made. */
export interface BehindRunOptions {
  /** The kind of trouble. Default: drawn from the seed. */
  readonly trouble?: BehindTrouble | undefined
  /** Receives a line for everything that happens. */
  readonly trace?: (line: string) => void
}

/** Prepares the run of a seed. */
export function prepareBehindRun(seed: number, { trouble: given, trace }: BehindRunOptions = {}): BehindRun {
  const random = seeded(seed ^ 0xbe41d)
  const schedule = createSchedule()
  const seen = new Map<string, number>()
  const saw = (name: string): void => void seen.set(name, (seen.get(name) ?? 0) + 1)
  const tell = (what: () => string): void => trace?.(`${schedule.now().toFixed(1).padStart(12)}  ${what()}`)
  const drawn = random.pick(TROUBLES)
  const trouble = given ?? drawn
  const keys = createBehindKeys('', NAME)
  const journals = [0, 1].map((id) => keys.journal(`item:${id}`))
  const hasNetwork = trouble === 'network' || trouble === 'everything' || (trouble === 'idle' && random.chance(0.5))
  const level = random.between(0.02, 0.2)
  const faults = { ...NO_FAULTS, lostRequest: level, lostReply: level, late: level, duplicate: level, slow: level / 2 }
  const backend = createBackend({
    schedule,
    random,
    wholeSeconds: random.chance(0.5),
    latency: [1, 12],
    faults: () => (hasNetwork && world.isTroubled ? { ...faults, throttled: level / 3 } : NO_FAULTS),
    isDown: () => false,
    readsMany: random.chance(0.8),
    onSend: () => {},
    onApply(applied) {
      tell(() => `${applied.process.name} writes ${applied.after.body}`)
      witness.onApply(applied)
    },
    onFault: saw,
  })
  const witness = createBehindWitness({ now: schedule.now, image: backend.image, keys, onSeen: saw })
  const world: World = {
    trouble,
    merges: random.chance(0.4),
    random,
    schedule,
    backend,
    witness,
    open: new Map(),
    bad: new Set(),
    delivered: new Set(),
    counts: { calls: 0, writes: 0 },
    isTroubled: true,
    keyOf: (id) => journals[Number(id)] ?? '',
    saw,
    tell,
  }
  const count = trouble === 'idle' ? 1 : 2 + Math.floor(random.between(0, 4))
  for (let n = 0; n < count; n += 1) void live(world, `e${n}`)
  let events = 0
  let isEnding = false
  return {
    step() {
      events += 1
      if (events <= MAX_EVENTS && schedule.step()) return true
      if (isEnding || events > MAX_EVENTS) return false
      isEnding = true
      world.isTroubled = false
      void endWell(world)
      return true
    },
    finish() {
      if (events > MAX_EVENTS) witness.violate('B6 ends', 'the run never ended')
      for (const { process, what } of world.open.values())
        if (process.isAlive()) witness.violate('B6 ends', `${what} of ${process.name} never ended`)
      witness.checkEnd()
      const { violations } = witness
      return { seed, trouble, violations, events, calls: world.counts.calls, seen }
    },
  }
}

function startEnvironment(world: World, name: string): Environment {
  const { random, schedule, backend, trouble, merges } = world
  const hasClocks = trouble === 'clocks' || trouble === 'everything' || trouble === 'freeze'
  const skew = hasClocks ? random.between(-300_000, 300_000) : random.between(-500, 500)
  const process = createProcess(name, schedule, random, { skew, monotonicStops: random.chance(0.5) })
  const isPoisoned = trouble === 'poison'
  const behind = writeBehind({
    store: backend.storeFor(process),
    name: NAME,
    key: 'item:{id}',
    runtime: process.runtime,
    applyTimeout: random.pick([500, 2_000]),
    attempts: isPoisoned ? 3 : 10_000,
    onPoison: isPoisoned && random.chance(0.5) ? 'skip' : 'stop',
    ...(merges && { merge: (older: readonly string[], newer: readonly string[]) => [...older, ...newer] }),
    apply: ({ id }, value: readonly string[], write) => apply(world, process, { id, value, write }),
    onEvent(event) {
      world.tell(() => `${process.name} ${JSON.stringify(event)}`)
      if (event.type.startsWith('behind-')) world.saw(event.type)
    },
  })
  return { process, behind, world, kept: new Map() }
}

/** Asks the truth, over a network of its own: the request goes its way whatever becomes of the process. */
function apply(
  { trouble, random, schedule, witness, bad, delivered, isTroubled, keyOf, saw, tell }: World,
  process: Process,
  {
    id,
    value,
    write,
  }: { readonly id: string | number; readonly value: readonly string[]; readonly write: AppliedWrite },
): Promise<void> {
  const { n } = write
  tell(() => `${process.name} applies ${n} of ${id}: ${value}`)
  const name = `${id} ${n}`
  if (delivered.has(name)) saw('delivered again')
  if (delivered.has(name) && trouble === 'calm')
    witness.violate('B2 once, in order', `${n} of ${id} was delivered twice, and nothing had failed`)
  delivered.add(name)
  const isFaulty = isTroubled && (trouble === 'truth' || trouble === 'everything' || trouble === 'poison')
  const fault = isFaulty && random.chance(0.3) ? random.pick(['before', 'after', 'late', 'hangs'] as const) : undefined
  if (fault !== undefined) saw(`truth ${fault}`)
  return new Promise((resolve, reject) => {
    const fail = (): void => process.deliver(() => reject(Object.assign(new Error('no answer'), { code: 'DOWN' })))
    const delay = fault === 'late' ? random.between(1_000, 20_000) : random.between(1, 60)
    schedule.after(delay, () => {
      if (fault === 'before') return fail()
      if (value.some((one) => bad.has(one))) {
        saw('truth refuses')
        return process.deliver(() => reject(Object.assign(new Error('refused'), { retryable: false })))
      }
      witness.take(keyOf(id), n, value)
      if (fault === 'hangs') return
      schedule.after(random.between(1, 20), () => (fault === 'after' ? fail() : process.deliver(resolve)))
    })
  })
}

/** One environment: acts one after the other, some beside each other; then the next process of it. */
async function live(world: World, name: string): Promise<void> {
  const { random, schedule, trouble, saw, tell } = world
  const environment = startEnvironment(world, name)
  const { process } = environment
  const isAll = trouble === 'everything'
  if ((trouble === 'crash' || isAll) && random.chance(0.7))
    schedule.after(random.between(0, 20_000), () => {
      if (!world.isTroubled) return
      saw('crash')
      tell(() => `${process.name} crashes`)
      process.crash()
      void live(world, `${name}'`)
    })
  if (trouble === 'freeze' || isAll)
    for (let n = 0; n < 3; n += 1)
      schedule.after(random.between(0, 30_000), () => {
        saw('freeze')
        process.freeze()
        schedule.after(random.between(100, 20_000), process.thaw)
      })
  if (trouble === 'clocks')
    for (let n = 0; n < 3; n += 1)
      schedule.after(random.between(0, 30_000), () => {
        saw('clock step')
        process.stepWall(random.between(-300_000, 300_000))
      })
  for (let n = 0; n < 12; n += 1) {
    await process.sleep(random.chance(0.5) ? random.between(0, 30) : random.between(0, 3_000))
    if (trouble === 'idle' && random.chance(0.2)) await sleepLong(environment)
    const acting = act(environment)
    if (random.chance(0.6)) await acting
  }
}

/** Nothing is written for longer than the store keeps a journal. What waits would be lost with it, so it is drained first. */
async function sleepLong(environment: Environment): Promise<void> {
  const { process, behind, world } = environment
  for (let turn = 0; turn < 20; turn += 1) {
    await process.sleep(30_000)
    const report = await behind.drain().catch(() => undefined)
    if (report?.keys === 0 && report.unseen === 0) break
    if (turn === 19) return
  }
  // Writes that are on their way land before.
  await process.sleep(60_000)
  if (world.open.size > 0) return
  const left = await behind.drain().catch(() => undefined)
  if (left?.keys !== 0 || left.unseen > 0) return
  world.saw('long idle')
  await process.sleep(405 * DAY)
  // A value that was loaded before lives for 400 days at most.
  environment.kept.clear()
  world.backend.cleanUp()
}

type Act = (environment: Environment) => Promise<void>

async function act(environment: Environment): Promise<void> {
  const { process, world } = environment
  const { random, schedule, open, witness, trouble } = world
  const acts: readonly [Act, ...Act[]] = [write, write, write, write, drain, drain, settle, read, read]
  const own = random.chance(0.015) ? burst : trouble === 'poison' && random.chance(0.2) ? decide : random.pick(acts)
  const mark = {}
  const [startedAt, frozenBefore] = [schedule.now(), process.frozenFor()]
  open.set(mark, { process, what: own.name })
  world.counts.calls += 1
  world.tell(() => `${process.name} begins ${own.name}`)
  try {
    await own(environment)
  } catch (error) {
    world.saw('failed')
    world.tell(() => `${process.name} fails: ${String(error)}`)
    if (!(error instanceof WarmTokenError)) witness.violate('B6 ends', `an error that is not typed: ${String(error)}`)
    else world.saw(error.code)
  } finally {
    open.delete(mark)
    const took = schedule.now() - startedAt - (process.frozenFor() - frozenBefore)
    const most = own === drain ? 60_000 + PATIENCE : 5_000 + PATIENCE
    if (took > most && trouble !== 'idle') witness.violate('B6 ends', `${own.name} took ${took} ms`)
  }
}

async function write(environment: Environment): Promise<void> {
  const { world } = environment
  await writeOne(environment, world.random.pick([0, 0, 0, 1]))
}

async function writeOne({ behind, world }: Environment, id: number): Promise<void> {
  const { random, witness, counts, bad, trouble, keyOf } = world
  counts.writes += 1
  const mark = `w${counts.writes}`
  if (trouble === 'poison' && random.chance(0.1)) bad.add(mark)
  const accepted = await behind.write({ id }, [mark])
  world.tell(() => `${mark} is accepted as ${accepted.n}`)
  witness.onAccepted(keyOf(id), mark, accepted.n)
}

/** So many writes of one key that the ids of earlier ones are forgotten. */
async function burst(environment: Environment): Promise<void> {
  environment.world.saw('burst')
  const writes = Array.from({ length: BURST }, () => writeOne(environment, 0))
  for (const settled of await Promise.allSettled(writes)) if (settled.status === 'rejected') throw settled.reason
}

async function drain({ behind }: Environment): Promise<void> {
  await behind.drain()
}

/** What comes after a handler. */
async function settle({ behind }: Environment): Promise<void> {
  await behind.settle({ timeout: 1_000 })
}

/** A read over a load that is fresh, or that was kept for a while. */
async function read({ process, behind, world, kept }: Environment): Promise<void> {
  const { random, witness, keyOf, trouble, merges, schedule } = world
  const id = random.pick([0, 0, 0, 1])
  const key = keyOf(id)
  const load = async (): Promise<readonly string[] | undefined> => {
    await process.sleep(random.between(1, 30))
    const value = witness.truthOf(key)
    await process.sleep(random.between(1, 300))
    return value === undefined ? undefined : [value]
  }
  const floor = witness.floorOf(key)
  const at = schedule.now()
  let value: readonly string[] | undefined
  if (random.chance(0.4)) value = await behind.read({ id }, load)
  else {
    const known = kept.get(key)
    if (known !== undefined) world.saw('read over a kept load')
    const done = known?.done ?? (await behind.done({ id }))
    const loaded = known ?? { done, value: await load() }
    kept.set(key, loaded)
    value = await behind.newest({ id }, loaded)
    if (random.chance(0.3)) kept.delete(key)
  }
  world.tell(() => `${process.name} read ${id} as ${value}, from ${at.toFixed(1)}`)
  // With poison, the last write may be given up; what was merged is not exact while it is applied.
  if (!merges && trouble !== 'poison') witness.checkRead(key, value?.at(-1), floor)
}

async function decide({ process, behind, world }: Environment): Promise<void> {
  const { random, witness, keyOf } = world
  const id = random.pick([0, 1])
  if (random.chance(0.5)) {
    if ((await behind.retry({ id })) > 0) world.saw('retry')
    return
  }
  witness.onGiveUp(process, keyOf(id))
  if ((await behind.giveUp({ id })) > 0) world.saw('give up')
}

/** When all trouble is over, everything that was accepted gets into the truth, or is given up by an operator. */
async function endWell(world: World): Promise<void> {
  const { process, behind } = startEnvironment(world, 'last')
  for (let turn = 0; turn < 100; turn += 1) {
    await process.sleep(60_000)
    const { keys, poisoned, unseen } = await behind.drain()
    if (keys === 0 && unseen === 0) return
    if (poisoned === 0) continue
    for (const { params } of (await behind.backlog()).poison) {
      world.witness.onGiveUp(process, world.keyOf(params.id))
      await behind.giveUp(params)
    }
  }
  world.witness.violate('B6 ends', 'something waits, and a hundred drains did not apply it')
}
