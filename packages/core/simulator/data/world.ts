import { type Backend, createBackend, NO_FAULTS, type ReadMany } from '../backend.ts'
import { type Random, seeded } from '../random.ts'
import { drawScenario, type Scenario, type Trouble } from '../scenario.ts'
import { createSchedule, type Schedule } from '../schedule.ts'
import type { RunOptions } from '../world.ts'
import { ALL, plainOf, type Size } from './truth.ts'
import { createDataWitness, type DataWitness } from './witness.ts'

/** Trouble in which a get with time is served. */
const EASY: ReadonlySet<Trouble> = new Set(['calm', 'idle', 'store'])

/** What the caches of a run are like, drawn from its seed. Durations are in ms. */
export interface Kind {
  readonly recheck: number
  readonly unchecked: number
  /** How long it is remembered that there is no value. */
  readonly none: number
  /** Whether the store reads many keys by one request, and how. */
  readonly readMany: ReadMany | undefined
  /** Whether the loader loads many values by one call. */
  readonly loadsMany: boolean
  readonly size: Size
  /** Whether environments are asked for more new keys than they ask for leases. */
  readonly floods: boolean
  /** Whether operators switch the resource off, to read-only, or past the cache. */
  readonly switches: boolean
  /** How often a codec fails to seal or to open while there is trouble; 0: values are not sealed. */
  readonly codecFaults: number
}

/** What the environments of a run live in. */
export interface DataWorld {
  readonly scenario: Scenario
  readonly kind: Kind
  readonly random: Random
  readonly schedule: Schedule
  readonly backend: Backend
  /** The store for bodies. */
  readonly far: Backend
  readonly witness: DataWitness
  /** The state of the truth, by plain key. */
  readonly truth: Map<string, number>
  /** Keys that someone changes now: a second writer would write what it read before. */
  readonly writing: Set<string>
  readonly counts: { calls: number; loads: number }
  readonly seen: ReadonlyMap<string, number>
  /** Whether the loader fails now. */
  isOut(): boolean
  isTroubled(): boolean
  saw(name: string): void
  tell(what: () => string): void
  /** Whether a codec fails now. */
  failsCodec(): boolean
  /** Ends all trouble. */
  calm(): void
}

/** Makes the world of a seed. */
export function createDataWorld(seed: number, { scenario: given, trace }: RunOptions): DataWorld {
  const random = seeded(seed ^ 0x5eed)
  const scenario = given ?? drawScenario(random, seeded(-seed))
  // Lots of its own, so that the rest of a run does not depend on them.
  const codecRandom = seeded(seed ^ 0xc0dec)
  const kind: Kind = { ...drawKind(random, scenario), codecFaults: codecRandom.chance(0.2) ? 0.05 : 0 }
  const schedule = createSchedule()
  const seen = new Map<string, number>()
  let troubled = true

  const saw = (name: string): void => void seen.set(name, (seen.get(name) ?? 0) + 1)
  const tell = (what: () => string): void => trace?.(`${schedule.now().toFixed(1).padStart(12)}  ${what()}`)
  const during = (span: readonly [number, number] | undefined): boolean =>
    troubled && span !== undefined && schedule.now() >= span[0] && schedule.now() < span[1]

  const makeBackend = (): Backend =>
    createBackend({
      schedule,
      random,
      wholeSeconds: scenario.wholeSeconds,
      latency: [1, 12],
      faults: () => (troubled ? scenario.faults : NO_FAULTS),
      isDown: () => during(scenario.storeOutage),
      onSend: () => {},
      onApply(applied) {
        tell(() => `${applied.process.name} writes ${applied.key} ${applied.after.body.slice(0, 1_000)}`)
        witness.onApply(applied)
      },
      onFault(name) {
        saw(name)
        tell(() => `fault: ${name}`)
      },
      onCleanUp: (key) => witness.onCleanUp(key),
    })
  const backend = makeBackend()
  const far = makeBackend()
  // In a flood of keys that do not exist, some come to exist.
  const truth = new Map(ALL.map((params) => [plainOf(params), kind.floods ? 4 : 1]))
  const witness = createDataWitness({
    now: schedule.now,
    recheck: kind.recheck,
    // Nothing goes unchecked where the store answers.
    unchecked: hasSteadyStore(scenario) ? 0 : kind.unchecked,
    hasSteadyStore: hasSteadyStore(scenario),
    isEasy: EASY.has(scenario.trouble) && scenario.tooSlow === 0,
    image: backend.image,
    farImage: far.image,
    stateOf: (plain) => truth.get(plain) ?? 0,
    hasClockSteps: scenario.clockStep > 0,
    hasGoodClocks: scenario.freeze === 0 && scenario.clockStep === 0,
    onSeen: saw,
  })
  return {
    scenario,
    kind,
    random,
    schedule,
    backend,
    far,
    witness,
    truth,
    writing: new Set(),
    counts: { calls: 0, loads: 0 },
    seen,
    isOut: () => during(scenario.outage),
    isTroubled: () => troubled,
    failsCodec: () => troubled && codecRandom.chance(kind.codecFaults),
    saw,
    tell,
    calm() {
      troubled = false
      witness.onCalm()
    },
  }
}

/** Whether every request is answered in time, by the clocks of the environments too. */
function hasSteadyStore({ faults, storeOutage, freeze, clockStep }: Scenario): boolean {
  const { stale: _stale, ...failures } = faults
  return (
    storeOutage === undefined && freeze + clockStep === 0 && Object.values(failures).every((chance) => chance === 0)
  )
}

function drawKind(random: Random, { lifetime }: Scenario): Omit<Kind, 'codecFaults'> {
  const recheck = random.pick([0, 1_000, 1_000, 5_000, 5_000])
  const lot = random.next()
  return {
    recheck,
    unchecked: random.chance(0.3) ? 4 * recheck : 0,
    none: random.chance(0.5) ? lifetime * 0.3 : 0,
    readMany: random.pick(['together', 'together', 'apart', 'apart', undefined]),
    loadsMany: random.chance(0.5),
    size: lot < 0.75 ? 'small' : lot < 0.98 ? 'large' : 'far',
    floods: random.chance(0.015),
    switches: random.chance(0.1),
  }
}
