import { aftermath } from './aftermath.ts'
import { createCalls } from './calls.ts'
import { checkEnded, checkOutage } from './checks.ts'
import { live } from './invocations.ts'
import { createPlague } from './plague.ts'
import type { Scenario } from './scenario.ts'
import type { Violation } from './witness.ts'
import { createWorld, type RunOptions } from './world.ts'

/** No run has more events than this, for each environment. */
const MAX_EVENTS = 50_000

/** What came of a run. */
export interface Result {
  readonly seed: number
  readonly scenario: Scenario
  readonly violations: readonly Violation[]
  readonly events: number
  /** How often each thing worth seeing was seen. */
  readonly seen: ReadonlyMap<string, number>
  readonly issuerCalls: number
  /** Those of them that were made without a lease. */
  readonly alone: number
  /** The most reads that reached the store within a second. */
  readonly readsPerSecond: number
  readonly calls: number
  /** Requests that reached the store. */
  readonly reads: number
  readonly writes: number
  /** How long each call took, in ms. */
  readonly durations: readonly number[]
}

/** A run that is taken step by step: promises settle between two events. */
export interface Run {
  /** Does the next event. False when the run is over. */
  step(): boolean
  /** Checks what can only be known at the end. */
  finish(): Result
}

/** Prepares the run of a seed: the production engine in a world of virtual time. */
export function prepareRun(seed: number, options: RunOptions = {}): Run {
  const world = createWorld(seed, options)
  const { scenario, schedule, backend, issuer, witness, seen } = world
  const calls = createCalls(world)
  const befall = createPlague({
    ...world,
    onSeen: world.saw,
    onCrash(process) {
      calls.abandon(process)
      // The next process of the environment starts as its next invocation.
      void live(`${process.name}'`, place)
    },
  })
  const place = { world, calls, befall }
  for (let n = 0; n < scenario.environments; n += 1) void live(`e${n}`, place)

  const mostEvents = MAX_EVENTS * scenario.environments
  let events = 0
  let ending = false
  return {
    step() {
      events += 1
      if (events <= mostEvents && schedule.step()) return true
      if (ending || events > mostEvents) return false
      ending = true
      void aftermath(world, calls)
      return true
    },
    finish() {
      checkEnded(world, calls.open)
      checkOutage(world)
      return {
        seed,
        scenario,
        violations: witness.violations,
        seen,
        events,
        calls: calls.count(),
        durations: calls.durations,
        issuerCalls: issuer.requests(),
        alone: witness.calls().alone,
        readsPerSecond: backend.readsPerSecond(),
        reads: backend.reads(),
        writes: backend.writes(),
      }
    },
  }
}
