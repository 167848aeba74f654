import type { Ask, Served } from '../src/engine/context.ts'
import { DEFAULT_POLICY } from '../src/engine/policy.ts'
import { leaseLength } from '../src/engine/time/lease-length.ts'
import { SignInRequiredError, StoreError, WarmTokenError } from '../src/errors.ts'
import type { SimulatedToken } from './issuer.ts'
import type { Process } from './process.ts'
import { FIRST_PAUSE } from './refusals.ts'
import type { World } from './world.ts'

/** What a call may take beyond its timeout: timers that tick late, answers on their way. */
const SLACK = 100
/** How much longer than it lasts a pause may seem to last, in ms: whole seconds and a slow answer. */
const PAUSE_SLACK = 10_000
/** The length of a lease, in ms. */
export const LEASE: number = leaseLength(DEFAULT_POLICY)

/** A call that has not ended. */
export interface Open {
  readonly process: Process
  readonly ask: Ask
  readonly startedAt: number
  /** How long its process had been frozen before, in ms. */
  readonly frozenBefore: number
}

/** What a call gives must live, as long as was asked for, and be what it may give. */
export function checkServed(
  { schedule, issuer, rotation, witness, tell }: World,
  { process: { name }, ask, startedAt }: Open,
  { entry, remaining }: Served<SimulatedToken>,
): void {
  const left = issuer.expiry(entry.value) - schedule.now()
  tell(() => `${name} has ${entry.fingerprint}, ${left} ms left`)
  const short = remaining() < ask.minLifetime
  if (left <= 0) witness.violate('I8', `${name} was handed a token that expired ${-left} ms ago`)
  if (!short && left < ask.minLifetime)
    witness.violate('I8', `${name} was handed ${left} ms of lifetime and asked for ${ask.minLifetime}`)
  if (rotation !== undefined && !witness.wasCommitted(entry.fingerprint))
    witness.violate('I13', `${name} was handed a token that is not committed`)
  const isPaused = startedAt < witness.rejectPausedUntil() + PAUSE_SLACK || witness.calls().alone > 0
  // The issuer, asked for another one, has given it again, and the environment that asked pauses the rejecting.
  const isVouchedFor = issuer.givenAgainAt(entry.value) >= startedAt - FIRST_PAUSE
  if (entry.fingerprint === ask.rejected && !isPaused && !isVouchedFor)
    witness.violate('I8', `${name} was handed the token it had rejected`)
}

/** A call that fails says why, and loses no refresh chain where nothing happens that could. */
export function checkFailed(
  { scenario, witness, tell, saw }: World,
  { process: { name } }: Open,
  error: unknown,
): void {
  tell(() => `${name} failed: ${String(error)}`)
  if (!(error instanceof WarmTokenError)) witness.violate('L1', `an error that is not typed: ${String(error)}`)
  // A refusal of the API leaves nobody without a token.
  const isTime = error instanceof WarmTokenError && (error.code === 'TIMEOUT' || error.code === 'SOURCE_TIMEOUT')
  if (scenario.trouble === 'calm' && scenario.tooSlow === 0 && !isTime)
    witness.violate('I14', `${name} failed without any trouble: ${String(error)}`)
  if (error instanceof StoreError && error.code === 'STORE_UNCOMMITTED') saw('kept uncommitted')
  if (!(error instanceof SignInRequiredError)) return
  saw('sign-in required')
  const isHarmless = ['calm', 'clocks', 'idle'].includes(scenario.trouble) && scenario.tooSlow === 0
  if (isHarmless) witness.violate('I13', `${name} lost the refresh chain without a crash`)
}

/** A call ends in time. */
export function checkTime({ schedule, witness }: World, { process, ask, startedAt, frozenBefore }: Open): void {
  const took = schedule.now() - startedAt - (process.frozenFor() - frozenBefore)
  if (took > ask.timeout + SLACK) witness.violate('L1', `a call of ${process.name} took ${took} ms of ${ask.timeout}`)
}

/** In the end no call is open but those of processes that have crashed. */
export function checkEnded({ witness }: World, open: Iterable<Open>): void {
  for (const { process } of open) {
    if (process.isAlive()) witness.violate('L1', `a call of ${process.name} never ended`)
  }
}

/** Beside one crash and nothing else, a call that has the time for it waits until the lease of the crashed one ends. */
export function checkBesideCrash({ scenario, rotation, seen, witness }: World, error: Error, timeout: number): void {
  const { trouble, tooSlow, faults } = scenario
  const isEasy = rotation === undefined && trouble === 'crash' && tooSlow === 0 && faults.lostRequest === 0
  if (isEasy && (seen.get('crash') ?? 0) <= 1 && timeout >= LEASE + 10_000)
    witness.violate('L2', `a call of ${timeout} ms failed beside one crash: ${error.message}`)
}

/** During an outage without other trouble, the fleet asks as often as one environment that backs off. */
export function checkOutage({ scenario, rotation, seen, witness }: World): void {
  const { outage, trouble, tooSlow } = scenario
  const isAlone = outage !== undefined && trouble === 'outage' && tooSlow === 0 && rotation === undefined
  if (!isAlone || witness.calls().alone > 0) return
  let steps = 1
  for (let at = 0; at < outage[1] - outage[0]; steps += 1) at += 0.75 * Math.min(60_000, 1_000 * 2 ** (steps - 1))
  const failures = seen.get('cool-down') ?? 0
  if (failures > steps + 1) witness.violate('I10', `${failures} failed calls in an outage of ${steps} steps`)
}

/** A store that gives no answer, and no other trouble, keeps no token from a call with time. */
export function checkInStoreOutage({ scenario, rotation, witness }: World, error: Error, timeout: number): void {
  const isAlone = scenario.trouble === 'store' && scenario.tooSlow === 0 && rotation === undefined
  if (isAlone && timeout >= 10_000)
    witness.violate('L4', `a call of ${timeout} ms failed while only the store was in trouble: ${error.message}`)
}
