import { createCache } from '../../src/data/cache.ts'
import type { CacheEvent } from '../../src/data/events.ts'
import type { Cache, Resource } from '../../src/data/types.ts'
import '../../src/engine/miss/miss-path.ts'
import { type Backend, createBackend, NO_FAULTS } from '../backend.ts'
import { createPlague } from '../plague.ts'
import { createProcess, type Process } from '../process.ts'
import { type Random, seeded } from '../random.ts'
import type { Result, Run } from '../run.ts'
import { drawScenario, type Scenario } from '../scenario.ts'
import { createSchedule, type Schedule } from '../schedule.ts'
import type { RunOptions } from '../world.ts'
import { AIMS, ALL, lateTagsOf, type Params, plainOf, tagsOf, type Value } from './truth.ts'
import { createDataWitness, type DataWitness, NAME } from './witness.ts'

/** No run has more events than this, for each environment. */
const MAX_EVENTS = 100_000
/** How many things each environment does, for each call of the scenario. */
const ACTS = 3
const DAY = 86_400_000

/** What the environments of a run live in. */
interface World {
  readonly scenario: Scenario
  readonly recheck: number
  readonly unchecked: number
  readonly random: Random
  readonly schedule: Schedule
  readonly backend: Backend
  readonly witness: DataWitness
  /** The state of the truth, by plain key. */
  readonly truth: Map<string, number>
  /** Keys that someone changes now: a second writer would write what it read before. */
  readonly writing: Set<string>
  readonly counts: { calls: number; loads: number }
  readonly isOut: () => boolean
  saw(name: string): void
  tell(what: () => string): void
}

interface Environment {
  readonly process: Process
  readonly cache: Cache
  readonly resource: Resource<{ readonly id: string | number; readonly part: string | number }, Value>
  /** Plain keys that it has asked for or changed. */
  readonly known: Set<string>
}

/** Prepares the run of a seed: production caches in a world of virtual time. */
export function prepareDataRun(seed: number, { scenario: given, trace }: RunOptions = {}): Run {
  const random = seeded(seed ^ 0x5eed)
  const scenario = given ?? drawScenario(random, seeded(-seed))
  const { faults, storeOutage, outage } = scenario
  const recheck = random.pick([1_000, 5_000])
  const unchecked = random.chance(0.3) ? 4 * recheck : 0
  const schedule = createSchedule()
  const seen = new Map<string, number>()
  const counts = { calls: 0, loads: 0 }
  let troubled = true
  const saw = (name: string): void => void seen.set(name, (seen.get(name) ?? 0) + 1)
  const tell = (what: () => string): void => trace?.(`${schedule.now().toFixed(1).padStart(12)}  ${what()}`)
  const during = (span: readonly [number, number] | undefined): boolean =>
    troubled && span !== undefined && schedule.now() >= span[0] && schedule.now() < span[1]
  const backend: Backend = createBackend({
    schedule,
    random,
    wholeSeconds: scenario.wholeSeconds,
    latency: [1, 12],
    faults: () => (troubled ? faults : NO_FAULTS),
    isDown: () => during(storeOutage),
    onSend: () => {},
    onApply(applied) {
      tell(() => `${applied.process.name} writes ${applied.after.body}`)
      witness.onApply(applied)
    },
    onFault(name) {
      saw(name)
      tell(() => `fault: ${name}`)
    },
  })
  const witness = createDataWitness({
    now: schedule.now,
    image: backend.image,
    recheck,
    unchecked,
    hasGoodClocks: scenario.freeze === 0 && scenario.clockStep === 0,
    onSeen: saw,
  })
  const world: World = {
    scenario,
    recheck,
    unchecked,
    random,
    schedule,
    backend,
    witness,
    truth: new Map(ALL.map((params) => [plainOf(params), 1])),
    writing: new Set(),
    counts,
    isOut: () => during(outage),
    saw,
    tell,
  }
  const befall = createPlague({
    schedule,
    random,
    scenario,
    isTroubled: () => troubled,
    tell,
    onSeen: saw,
    onCrash: (process) => void live(world, befall, `${process.name}'`),
  })
  for (let n = 0; n < scenario.environments; n += 1) void live(world, befall, `e${n}`)

  const mostEvents = MAX_EVENTS * scenario.environments
  let events = 0
  let isEnding = false
  return {
    step() {
      events += 1
      if (events <= mostEvents && schedule.step()) return true
      if (isEnding || events > mostEvents) return false
      isEnding = true
      troubled = false
      void endWell(world)
      return true
    },
    finish(): Result {
      const { calls, loads } = counts
      const requests = { reads: backend.reads(), writes: backend.writes() }
      const { violations } = witness
      const alone = seen.get('alone') ?? 0
      return {
        seed,
        scenario,
        violations,
        seen,
        events,
        calls,
        durations: [],
        issuerCalls: loads,
        alone,
        readsPerSecond: backend.readsPerSecond(),
        ...requests,
      }
    },
  }
}

function startEnvironment(world: World, name: string): Environment {
  const { scenario, random, schedule, backend, recheck, unchecked } = world
  const skew = random.between(-scenario.skew, scenario.skew)
  const process = createProcess(name, schedule, random, { skew, monotonicStops: random.chance(0.5) })
  const cache = createCache({
    name: NAME,
    store: backend.storeFor(process),
    runtime: process.runtime,
    recheck,
    unchecked,
    onEvent: (event) => onEvent(world, process, event),
  })
  const resource = cache.use({
    key: 'p:{id}:{part}',
    name: 'p',
    fresh: scenario.lifetime * random.pick([0.3, 1]),
    usable: scenario.lifetime,
    tags: ({ id }) => tagsOf({ id: Number(id) }),
    load: ({ id, part }, { keep }) => {
      const params: Params = { id: Number(id), part: part === 'a' ? 'a' : 'b' }
      return load(world, process, params).then((value) => keep(value, { tags: lateTagsOf(params) }))
    },
  })
  return { process, cache, resource, known: new Set() }
}

/** The loader: reads the truth when it begins, and answers a while later. */
async function load(
  { truth, random, counts, scenario, isOut, tell }: World,
  process: Process,
  params: Params,
): Promise<Value> {
  const plain = plainOf(params)
  const n = truth.get(plain) ?? 0
  counts.loads += 1
  tell(() => `${process.name} loads ${plain}: ${n}`)
  await process.sleep(random.chance(scenario.tooSlow) ? 5_000 : random.between(50, 450))
  if (isOut()) throw new Error('out')
  return { n, updates: 0 }
}

function onEvent({ witness, schedule, scenario, saw, tell }: World, process: Process, event: CacheEvent): void {
  tell(() => `${process.name} ${JSON.stringify(event)}`)
  if (event.type === 'recheck') witness.onRecheck(process, schedule.now() - event.took)
  if (event.type === 'recheck' && event.dropped > 0) saw('recheck dropped')
  if (event.type === 'fetch' && event.alone) saw('alone')
  if (event.type === 'hit' && event.stale) saw('stale served')
  if (event.type === 'fenced' || event.type === 'publish' || event.type === 'shared') saw(event.type)
  if (event.type === 'bad-generation') witness.violate('V3', 'a generation record is garbage')
  // After 401 days a record may vanish; an environment that slept as long takes that for a loss, and repairs it.
  if (event.type === 'generation-lost' && scenario.trouble !== 'idle')
    witness.violate('V3', `a generation was lost: ${event.tag}`)
}

/** One environment: starts, and acts as often as the scenario says. */
async function live(world: World, befall: (process: Process) => void, name: string): Promise<void> {
  const { scenario, random, backend, saw } = world
  const environment = startEnvironment(world, name)
  const { process, cache } = environment
  befall(process)
  for (let n = 0; n < scenario.calls * ACTS; n += 1) {
    await process.sleep(random.between(...scenario.pause) / ACTS)
    if (scenario.cleanUp) backend.cleanUp()
    if (scenario.trouble === 'idle' && random.chance(0.05)) {
      saw('long idle')
      await process.sleep(405 * DAY)
      backend.cleanUp()
    }
    const leave = scenario.background ? cache.enter() : undefined
    await act(world, environment)
    leave?.()
    await cache.settle()
  }
}

/** One thing that an environment does, by lot. */
async function act(world: World, environment: Environment): Promise<void> {
  const { random } = world
  const params = random.pick(ALL)
  const lot = random.next()
  if (lot < 0.62) return getSome(world, environment, params)
  if (lot < 0.76) return invalidate(world, environment)
  if (lot < 0.8) return changeKey(world, environment, params, 'set')
  if (lot < 0.84) return changeKey(world, environment, params, 'delete')
  if (lot < 0.88) return meet(world, environment, params)
  environment.known.add(plainOf(params))
  const { resource, cache } = environment
  const ignored = async (work: Promise<unknown>): Promise<void> => {
    await work.catch(() => {})
  }
  if (lot < 0.92) return ignored(resource.update(params, (value) => value && { ...value, updates: value.updates + 1 }))
  if (lot < 0.95) return ignored(resource.touch(params))
  if (lot < 0.98) return ignored(cache.control({ sources: { other: { bypass: random.chance(0.5) } } }))
  if (!random.chance(0.15)) return
  // More patterns than the root holds: the oldest are folded.
  for (let n = 0; n < 34; n += 1) await ignored(cache.invalidate({ match: `*:z${n}` }))
}

/** One get, or several that meet in one flight. */
async function getSome(world: World, environment: Environment, params: Params): Promise<void> {
  const { random } = world
  const first = getOne(world, environment, params)
  const others: Promise<void>[] = []
  while (random.chance(0.4)) {
    await environment.process.sleep(random.between(0, 400))
    others.push(getOne(world, environment, params))
  }
  await Promise.all([first, ...others])
}

/** A get whose look meets a change of the same environment, and one after it. */
async function meet(world: World, environment: Environment, params: Params): Promise<void> {
  const { random } = world
  const { process } = environment
  const first = getOne(world, environment, params)
  await process.sleep(random.between(0, 30))
  await changeKey(world, environment, params, random.pick(['set', 'delete']))
  await getOne(world, environment, params)
  await process.sleep(random.between(0, 20))
  await Promise.all([first, getOne(world, environment, params)])
}

async function getOne(world: World, { process, resource, known }: Environment, params: Params): Promise<void> {
  const { schedule, witness, counts, random, tell } = world
  const plain = plainOf(params)
  const beganAt = schedule.now()
  const isCold = !known.has(plain)
  known.add(plain)
  counts.calls += 1
  const timeout = random.pick([3_000, 10_000])
  tell(() => `${process.name} asks ${plain}`)
  try {
    const value = await resource.get(
      params,
      random.chance(0.05) ? { maxAge: 0, timeout } : random.chance(0.3) ? { timeout } : undefined,
    )
    tell(() => `${process.name} has ${plain}: ${value?.n}`)
    witness.onAnswer({ params, process, beganAt, isCold, value })
  } catch (error) {
    tell(() => `${process.name} failed: ${String(error)}`)
  }
}

/** Changes the truth of some keys, then invalidates them. */
async function invalidate(world: World, { process, cache }: Environment): Promise<void> {
  const { random, truth, writing, witness, saw, tell } = world
  const { what, keys } = random.pick(AIMS)
  if (keys.some((params) => writing.has(plainOf(params)))) return
  const isSoft = random.chance(0.25)
  const states = new Map<string, number>()
  for (const params of keys) {
    const plain = plainOf(params)
    truth.set(plain, (truth.get(plain) ?? 0) + 1)
    states.set(plain, truth.get(plain) ?? 0)
  }
  tell(() => `${process.name} invalidates ${JSON.stringify(what)} ${isSoft ? 'softly' : ''}`)
  try {
    await cache.invalidate({ ...what, stale: isSoft })
  } catch {
    saw('invalidation failed')
    return
  }
  saw(isSoft ? 'soft invalidation' : 'invalidation')
  tell(() => `${process.name} has invalidated ${JSON.stringify(what)}`)
  witness.onResolved(keys, { n: (plain) => states.get(plain) ?? 0, isSoft, process })
}

/** Changes the truth of a key, then writes or deletes the key. */
async function changeKey(
  world: World,
  { process, resource, known }: Environment,
  params: Params,
  how: 'set' | 'delete',
): Promise<void> {
  const { truth, writing, witness, saw, tell } = world
  const plain = plainOf(params)
  if (writing.has(plain)) return
  writing.add(plain)
  known.add(plain)
  const n = (truth.get(plain) ?? 0) + 1
  truth.set(plain, n)
  tell(() => `${process.name} ${how}s ${plain}: ${n}`)
  try {
    if (how === 'set') await resource.set(params, { n, updates: 0 }, { tags: lateTagsOf(params) })
    else await resource.delete(params)
    saw(how)
    tell(() => `${process.name} did ${how} ${plain}: ${n}`)
    witness.onResolved([params], { n: () => n, isSoft: false, process })
  } catch {
    saw(`${how} failed`)
  } finally {
    writing.delete(plain)
  }
}

/** When all trouble is over, a cold environment serves nothing that is forbidden. */
async function endWell(world: World): Promise<void> {
  const environment = startEnvironment(world, 'last')
  await environment.process.sleep(90_000)
  for (const params of ALL) {
    await getOne(world, environment, params)
    await getOne(world, environment, params)
  }
}
