/** How many requests a fleet makes in a month, by formulas. A test compares them with the simulated fleet. @module */

/** The seconds of a month of 730 hours. */
export const MONTH: number = 730 * 3_600
/** The refresh window of the engine: the last fifth of a lifetime, at most ten minutes; in seconds. */
const MAX_WINDOW = 600
const WINDOW_SHARE = 0.2
/** Environments refresh earlier than that by up to half the window. */
const JITTER_SHARE = 0.5
/** A refresh writes the lease, then the value. */
const WRITES_A_FETCH = 2

/** What determines the number of requests. */
export interface Load {
  /** Invocations a month. */
  readonly invocations: number
  /** Environments at peak; they count as running all the time. */
  readonly environments: number
  /** Lifetime of a token in seconds. */
  readonly tokenLife: number
  /** Lifetime of an environment in seconds. */
  readonly environmentLife: number
  /** Distinct tokens, such as one a tenant. Invocations are spread evenly over them. */
  readonly tokens: number
  /** Calls come in bursts so many seconds apart, such as by a schedule; 0 or left out: at random. */
  readonly burst?: number
}

/** Requests a month, with what they are made of. */
export interface Usage {
  /** From one refresh to the next, in seconds. */
  readonly cycle: number
  /** Environments that start. */
  readonly starts: number
  /** Token requests to the issuer. */
  readonly fetches: number
  /** Reads of environments that have nothing yet. */
  readonly coldReads: number
  /** Reads of environments whose value is due. */
  readonly dueReads: number
  readonly reads: number
  readonly writes: number
  /** Token requests if each environment had its own token in memory. */
  readonly fetchesAlone: number
}

/** The requests that a load makes. */
export function usageOf(load: Load): Usage {
  const { environments, tokenLife, environmentLife, tokens, burst = 0 } = load
  const window = Math.min(MAX_WINDOW, tokenLife * WINDOW_SHARE)
  const spread = window * JITTER_SHARE
  // The calls for one token, fleet-wide and in one environment, a second.
  const fleetRate = load.invocations / tokens / MONTH
  const rate = fleetRate / environments
  const due = tokenLife - window - spread
  const cycle = burst > 0 ? firstBurst(due + spread / (environments + 1), burst) : due + firstCall(fleetRate, spread)
  // An environment that would get no call is not started.
  const starts = Math.min(load.invocations, (environments * MONTH) / environmentLife)
  // Each asks for as many of the tokens as it gets calls for, and for one at least.
  const held = starts * Math.max(1, tokens * (1 - Math.exp(-rate * environmentLife)))
  const dueReads = held * renewals(rate, { cycle, life: environmentLife })
  const fetches = (tokens * MONTH) / cycle
  return {
    cycle,
    starts,
    fetches,
    coldReads: held,
    dueReads,
    reads: held + dueReads,
    writes: WRITES_A_FETCH * fetches,
    // Without a window each fetches when its own token has expired.
    fetchesAlone: held * (1 + renewals(rate, { cycle: tokenLife + 1 / rate, life: environmentLife })),
  }
}

/**
 * How long after the first moment at which an environment may find its value due a call does find it so, in seconds. The
 * share of environments that do grows from 0 to 1 over the spread.
 */
function firstCall(rate: number, spread: number): number {
  const STEPS = 1_000
  const step = spread / STEPS
  let mean = 0
  for (let index = 0; index < STEPS; index += 1)
    mean += step * Math.exp((-rate * ((index + 0.5) * step) ** 2) / (2 * spread))
  return mean + Math.exp((-rate * spread) / 2) / rate
}

/** When the first burst comes in which a value is due that was fetched in a burst, in seconds. `due`: for the earliest environment. */
function firstBurst(due: number, burst: number): number {
  return burst * Math.ceil(due / burst)
}

/**
 * How often an environment that lives so long finds its value due: once in each cycle in which it gets a call. Calls come at
 * random.
 */
function renewals(rate: number, { cycle, life }: { readonly cycle: number; readonly life: number }): number {
  const within = Math.min(life, cycle)
  const called = 1 - Math.exp(-rate * within)
  const last = within - called / rate
  return (last + Math.max(0, life - cycle) * called) / cycle
}
