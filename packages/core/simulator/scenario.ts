import { type NetworkFaults, NO_FAULTS } from './backend.ts'
import type { Random } from './random.ts'
import type { AfterCrash } from './rotation.ts'

/** The kinds of trouble that a run is given. */
export type Trouble = 'calm' | 'network' | 'crash' | 'freeze' | 'clocks' | 'outage' | 'store' | 'idle' | 'everything'

/** Everything that a run is made of, drawn from its seed. */
export interface Scenario {
  readonly trouble: Trouble
  /** How many environments there are. */
  readonly environments: number
  /** How many calls each makes. */
  readonly calls: number
  /** Life of the issuer's tokens, in ms. */
  readonly lifetime: number
  /** How long the issuer takes, in ms: from, to. */
  readonly issuerLatency: readonly [number, number]
  /** The pause between calls, in ms: from, to. */
  readonly pause: readonly [number, number]
  readonly faults: NetworkFaults
  /** Whether the backend tells its time in whole seconds. */
  readonly wholeSeconds: boolean
  /** How wrong wall clocks are, in ms. */
  readonly skew: number
  /** Probabilities, per environment. */
  readonly crash: number
  readonly freeze: number
  readonly clockStep: number
  /** Probability that the issuer takes too long, per call. */
  readonly tooSlow: number
  /** When the issuer fails or refuses, in ms since the start. */
  readonly outage: readonly [number, number] | undefined
  readonly refusing: boolean
  /** When the store does not answer, in ms since the start. */
  readonly storeOutage: readonly [number, number] | undefined
  /** Probability that a call asks for life that its work needs. */
  readonly longWork: number
  /** Probability that the API refuses a token that a call got. */
  readonly reject: number
  /** Whether the backend cleans up. */
  readonly cleanUp: boolean
  /** Whether environments refresh in the background of the handler, and settle. */
  readonly background: boolean
  /** Set where refresh tokens rotate: what the source does after a crash. */
  readonly afterCrash: AfterCrash | undefined
  /** Whether the issuer gives the same token again while that lives for longer than this share of its life. */
  readonly repeats: boolean
  /** 1 when the API refuses every token, else 0. */
  readonly refusesAll: number
}

/** A scenario without any trouble, for measurements; what differs between them is left out. */
export const CALM: Omit<Scenario, 'environments' | 'calls' | 'lifetime' | 'pause' | 'background'> = {
  trouble: 'calm',
  issuerLatency: [50, 450],
  faults: { lostRequest: 0, lostReply: 0, late: 0, duplicate: 0, slow: 0, throttled: 0, stale: 0 },
  wholeSeconds: true,
  skew: 1_000,
  crash: 0,
  freeze: 0,
  clockStep: 0,
  tooSlow: 0,
  outage: undefined,
  refusing: false,
  storeOutage: undefined,
  longWork: 0,
  reject: 0,
  cleanUp: false,
  afterCrash: undefined,
  repeats: false,
  refusesAll: 0,
}

const LIVES = [20_000, 60_000, 170_000, 600_000, 3_600_000] as const
const TROUBLES = ['calm', 'network', 'crash', 'freeze', 'clocks', 'outage', 'store', 'idle', 'everything'] as const
const DAY = 86_400_000

const AFTER_CRASH: readonly [AfterCrash, ...AfterCrash[]] = ['stop', 'retry-once', 'repeat', { grace: 30_000 }]
/** The share of runs whose refresh tokens rotate. */
const EXCLUSIVE_SHARE = 0.25

/** Draws a scenario. `kind` has lots of its own, so that the rest of a run does not depend on them. */
export function drawScenario(random: Random, kind: Random): Scenario {
  const trouble = random.pick(TROUBLES)
  const all = trouble === 'everything'
  const lifetime = random.pick(LIVES)
  const level = random.between(0.02, 0.15)
  const network = all || trouble === 'network'
  const idle = trouble === 'idle'
  const clocks = all || trouble === 'clocks' || trouble === 'freeze' || random.chance(0.3)
  const outageStart = random.between(0, lifetime)
  const storeStart = random.between(0, lifetime)
  return {
    trouble,
    environments: Math.floor(random.between(2, trouble === 'calm' ? 9 : 6)),
    calls: Math.floor(random.between(2, 6)),
    lifetime,
    issuerLatency: [50, 450],
    pause: idle
      ? [0, 1.5 * DAY]
      : random.pick([
          [0, 50],
          [10, 3_000],
          [lifetime * 0.05, lifetime * 0.6],
          [0, lifetime * 1.3],
        ]),
    faults: network
      ? {
          lostRequest: level,
          lostReply: level,
          late: level,
          duplicate: level,
          slow: level / 2,
          throttled: level / 3,
          stale: 0.3,
        }
      : { ...NO_FAULTS, stale: random.chance(0.5) ? 0.3 : 0 },
    wholeSeconds: random.chance(0.6),
    skew: clocks ? 300_000 : 1_000,
    crash: all || trouble === 'crash' ? 0.4 : 0,
    freeze: all || trouble === 'freeze' ? 0.6 : 0,
    clockStep: all || trouble === 'clocks' ? 0.7 : 0,
    tooSlow: all || random.chance(0.2) ? 0.1 : 0,
    outage: all || trouble === 'outage' ? [outageStart, outageStart + random.between(1_000, 120_000)] : undefined,
    refusing: random.chance(0.2),
    storeOutage: trouble === 'store' ? [storeStart, storeStart + random.between(500, 30_000)] : undefined,
    longWork: 0.2,
    reject: random.chance(0.3) ? 0.2 : 0,
    cleanUp: idle || random.chance(0.2),
    background: random.chance(0.5),
    afterCrash: kind.chance(EXCLUSIVE_SHARE) ? kind.pick(AFTER_CRASH) : undefined,
    repeats: kind.chance(0.25),
    refusesAll: kind.chance(0.15) ? 1 : 0,
  }
}
