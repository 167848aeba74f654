import { type Backend, createBackend, NO_FAULTS } from './backend.ts'
import { createIssuer, type Issuer } from './issuer.ts'
import type { Process } from './process.ts'
import { type Random, seeded } from './random.ts'
import { createRotation, type Rotation } from './rotation.ts'
import { drawScenario, type Scenario } from './scenario.ts'
import { createSchedule, type Schedule } from './schedule.ts'
import { createWitness, type Witness } from './witness.ts'

/** The one key of a run. */
export const KEY = 'simulated~0'

/** How a run is prepared. */
export interface RunOptions {
  /** What it is made of. Default: drawn from the seed. */
  readonly scenario?: Scenario | undefined
  /** Receives a line for everything that happens; for reading a failure. */
  readonly trace?: ((line: string) => void) | undefined
}

/** What the environments of a run live in: time, lots, store, issuer, and the witness of all of it. */
export interface World {
  readonly scenario: Scenario
  readonly random: Random
  readonly schedule: Schedule
  readonly backend: Backend
  readonly issuer: Issuer
  /** Set where refresh tokens rotate. */
  readonly rotation: Rotation | undefined
  readonly witness: Witness
  /** How often each thing worth seeing was seen. */
  readonly seen: ReadonlyMap<string, number>
  saw(name: string): void
  tell(what: () => string): void
  /** The most life that any call of a process asks for, in ms. */
  readonly needs: Map<Process, number>
  isTroubled(): boolean
  /** Ends all trouble. */
  calm(): void
}

/** Makes the world of a seed. */
export function createWorld(seed: number, { scenario: given, trace }: RunOptions): World {
  const random = seeded(seed)
  const scenario = given ?? drawScenario(random, seeded(-seed))
  const { afterCrash, storeOutage } = scenario
  const schedule = createSchedule()
  const seen = new Map<string, number>()
  const needs = new Map<Process, number>()
  let troubled = true
  let storeTroubleUntil = storeOutage === undefined ? 0 : storeOutage[1] + 10_000

  const saw = (name: string): void => void seen.set(name, (seen.get(name) ?? 0) + 1)
  const tell = (what: () => string): void => trace?.(`${schedule.now().toFixed(1).padStart(12)}  ${what()}`)
  const during = (span: readonly [number, number] | undefined): boolean =>
    troubled && span !== undefined && schedule.now() >= span[0] && schedule.now() < span[1]

  const backend = createBackend({
    schedule,
    random,
    wholeSeconds: scenario.wholeSeconds,
    latency: [1, 12],
    faults: () => (troubled ? scenario.faults : NO_FAULTS),
    isDown: () => during(storeOutage),
    onSend: (swap, process) => witness.onSend(swap, process),
    onApply(applied) {
      tell(() => `${applied.process.name} writes ${applied.after.body}`)
      witness.onApply(applied)
    },
    onFault(name) {
      saw(name)
      tell(() => `fault: ${name}`)
      if (name !== 'stale read' && name !== 'clean-up')
        storeTroubleUntil = Math.max(storeTroubleUntil, schedule.now() + 60_000)
    },
  })

  const witness = createWitness({
    schedule,
    key: KEY,
    body: () => backend.image(KEY)?.body,
    spends: scenario.afterCrash !== undefined,
    mayGoAlone: () => rotation === undefined && (schedule.now() < storeTroubleUntil || scenario.freeze > 0),
    onSeen: saw,
  })

  const onViolation = (what: string): void => witness.violate('I12', what)
  const rotation = afterCrash && createRotation({ schedule, afterCrash, onSeen: saw, onViolation })

  const issuer = createIssuer({
    schedule,
    random,
    lifetime: scenario.lifetime,
    // Where refresh tokens rotate, each comes with a token of its own.
    repeats: scenario.repeats && rotation === undefined,
    latency: scenario.issuerLatency,
    tooSlow: scenario.tooSlow,
    isOut: () => during(scenario.outage),
    isRefusing: () => during(scenario.outage) && scenario.refusing,
    onStart: (nonce, process) => witness.onCall(nonce, process, needs.get(process) ?? 0),
    onEnd: (nonce, failed) => witness.onCallEnd(nonce, failed),
  })

  const isTroubled = (): boolean => troubled
  const calm = (): void => {
    troubled = false
  }
  return { scenario, random, schedule, backend, issuer, rotation, witness, seen, saw, tell, needs, isTroubled, calm }
}
