import type { Entry, WarmEvent } from '../../contracts.ts'
import { createEngine, type Engine } from '../../engine/engine.ts'
import { leaseLength } from '../../engine/lease.ts'
import { DEFAULT_POLICY } from '../../engine/policy.ts'
import '../../engine/slow.ts'
import type { Ask, Slot, Subject } from '../../engine/subject.ts'
import { SignInRequiredError, StoreError, WarmTokenError } from '../../errors.ts'
import { plaintext } from '../../seal/plaintext.ts'
import { createBackend, NO_FAULTS } from './backend.ts'
import { createIssuer, type SimulatedToken } from './issuer.ts'
import { createPlague } from './plague.ts'
import { createProcess, type Process, START } from './process.ts'
import { seeded } from './random.ts'
import { createRotation } from './rotation.ts'
import { drawScenario, type Scenario } from './scenario.ts'
import { createSchedule } from './schedule.ts'
import { createWitness, type Violation } from './witness.ts'

const KEY = 'simulated~0'
/** What a call may take beyond its time-out: timers that tick late, answers on their way. */
const SLACK = 100
/** No run has more events than this, for each environment. */
const MAX_EVENTS = 50_000
/** The length of a lease, in ms. */
const LEASE = leaseLength(DEFAULT_POLICY)

/** What came of a run. */
export interface Result {
  readonly seed: number
  readonly scenario: Scenario
  readonly violations: readonly Violation[]
  readonly events: number
  /** How often each thing worth seeing was seen. */
  readonly seen: ReadonlyMap<string, number>
  readonly issuerCalls: number
  readonly calls: number
  /** Requests that reached the store. */
  readonly reads: number
  readonly writes: number
  /** How long each call took, in ms. */
  readonly durations: readonly number[]
}

/** A run that can be taken step by step, so that many go on side by side. */
export interface Run {
  /** Does the next event. False when the run is over. */
  step(): boolean
  /** Checks what can only be known at the end. */
  finish(): Result
}

/** A call that has not ended. */
interface Open {
  readonly process: Process
  readonly startedAt: number
  readonly frozenBefore: number
  readonly ask: Ask
}

/** How a run is prepared. */
export interface RunOptions {
  /** What it is made of. Default: drawn from the seed. */
  readonly scenario?: Scenario | undefined
  /** Receives a line for everything that happens; for reading a failure. */
  readonly trace?: ((line: string) => void) | undefined
}

/** Prepares the run of a seed: the production engine in a world of virtual time. */
export const prepareRun = (seed: number, { scenario: given, trace }: RunOptions = {}): Run => {
  const random = seeded(seed)
  const scenario = given ?? drawScenario(random, seeded(-seed))
  const schedule = createSchedule()
  const seen = new Map<string, number>()
  const saw = (name: string): void => void seen.set(name, (seen.get(name) ?? 0) + 1)
  const open = new Set<Open>()
  const tell = (what: () => string): void => trace?.(`${schedule.now().toFixed(1).padStart(12)}  ${what()}`)
  let troubled = true
  const durations: number[] = []
  const mostEvents = MAX_EVENTS * scenario.environments
  let calls = 0
  let brokenSeed: string | undefined
  let storeTroubleUntil = scenario.storeOutage === undefined ? 0 : scenario.storeOutage[1] + 10_000
  const during = (span: readonly [number, number] | undefined): boolean =>
    troubled && span !== undefined && schedule.now() >= span[0] && schedule.now() < span[1]

  const backend = createBackend({
    schedule,
    random,
    wholeSeconds: scenario.wholeSeconds,
    latency: [1, 12],
    faults: () => (troubled ? scenario.faults : NO_FAULTS),
    isDown: () => during(scenario.storeOutage),
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
    mayGoAlone: () => rotation === undefined && (schedule.now() < storeTroubleUntil || scenario.freeze > 0),
    onSeen: saw,
  })

  const rotation =
    scenario.afterCrash === undefined
      ? undefined
      : createRotation({
          schedule,
          afterCrash: scenario.afterCrash,
          onSeen: saw,
          onViolation: (what) => witness.violate('I12', what),
        })
  /** Nothing happens in this run that could lose a refresh token. */
  const isHarmless = ['calm', 'clocks', 'idle'].includes(scenario.trouble) && scenario.tooSlow === 0

  const needs = new Map<Process, number>()
  const issuer = createIssuer({
    schedule,
    random,
    life: scenario.life,
    latency: [50, 450],
    tooSlow: scenario.tooSlow,
    isOut: () => during(scenario.outage),
    isRefusing: () => during(scenario.outage) && scenario.refusing,
    onStart: (nonce, process) => witness.onCall(nonce, process, needs.get(process) ?? 0),
    onEnd: (nonce) => witness.onCallEnd(nonce),
  })

  const start = (name: string): { process: Process; engine: Engine; slot: Slot<SimulatedToken> } => {
    const monotonicStops = random.chance(0.5)
    const skew = random.between(-scenario.skew, scenario.skew)
    const process = createProcess(name, schedule, random, { skew, monotonicStops })
    const engine = createEngine({
      openStore: () => backend.storeFor(process),
      codec: plaintext(),
      directory: false,
      runtime: process.runtime,
      policy: DEFAULT_POLICY,
      maxEntries: 100,
      emit: (event) => onEvent(event, process),
      listening: () => true,
    })
    const subject: Subject<SimulatedToken> = {
      key: KEY,
      traits: undefined,
      exclusive: rotation?.exclusive,
      fetch: ({ nonce, signal, spends }) =>
        issuer.request({
          nonce,
          process,
          signal,
          spend:
            rotation && ((token, sentAt) => rotation.spend({ spends: spends ?? 'nothing', token, process, sentAt })),
        }),
      print: (token) => token,
      parse: (json) => (typeof json === 'number' ? json : undefined),
      fingerprint: (token) => `t${token}`,
      secretFingerprint: () => rotation?.seed() ?? 's',
    }
    return { process, engine, slot: engine.slot(subject) }
  }

  const onEvent = (event: WarmEvent, process: Process): void => {
    tell(() => `${process.name} ${JSON.stringify(event)}`)
    if (event.type === 'wait') witness.onWait(process, event.epoch)
    if (event.type === 'fenced' || event.type === 'publish' || event.type === 'cool-down') saw(event.type)
    if (event.type === 'hit' && event.stale) saw('stale served')
    if (event.type === 'fetch' && event.alone) saw('alone')
    if (event.type === 'acquire' && event.adopted) saw('adopted')
  }

  /** The refresh chain is broken: a person signs in again, after a while. */
  const onBroken = (process: Process): void => {
    saw('sign-in required')
    if (isHarmless) witness.violate('I13', `${process.name} lost the refresh chain without a crash`)
    if (brokenSeed === rotation?.seed()) return
    brokenSeed = rotation?.seed()
    schedule.after(random.between(0, 5_000), () => rotation?.signIn())
  }

  /** One call, watched: it must end in time, and what it gives must live. */
  const call = async (environment: ReturnType<typeof start>, ask: Ask): Promise<Entry<SimulatedToken> | Error> => {
    const { process, engine, slot } = environment
    const entryOpen: Open = { process, startedAt: schedule.now(), frozenBefore: process.frozenFor(), ask }
    calls += 1
    tell(() => `${process.name} asks ${JSON.stringify(ask)}`)
    open.add(entryOpen)
    needs.set(process, Math.max(needs.get(process) ?? 0, ask.minLife))
    try {
      const { entry, remaining } = await engine.get(slot, ask)
      tell(() => `${process.name} has ${entry.fingerprint}, ${issuer.expiry(entry.value) - schedule.now()} ms left`)
      const left = issuer.expiry(entry.value) - schedule.now()
      const short = remaining() < ask.minLife
      if (left <= 0) witness.violate('I8', `${process.name} was handed a token that expired ${-left} ms ago`)
      if (!short && left < ask.minLife)
        witness.violate('I8', `${process.name} was handed ${left} ms of life and asked for ${ask.minLife}`)
      if (rotation !== undefined && !witness.wasCommitted(entry.fingerprint))
        witness.violate('I13', `${process.name} was handed a token that is not committed`)
      if (entry.fingerprint === ask.rejected)
        witness.violate('I8', `${process.name} was handed the token it had rejected`)
      return entry
    } catch (error) {
      tell(() => `${process.name} failed: ${String(error)}`)
      if (error instanceof SignInRequiredError) onBroken(process)
      if (error instanceof StoreError && error.code === 'STORE_UNCOMMITTED') saw('kept uncommitted')
      if (!(error instanceof WarmTokenError)) witness.violate('L1', `an error that is not typed: ${String(error)}`)
      return error instanceof Error ? error : new Error('not an error')
    } finally {
      open.delete(entryOpen)
      durations.push(schedule.now() - entryOpen.startedAt)
      checkTime(entryOpen)
    }
  }

  const checkTime = ({ process, startedAt, frozenBefore, ask }: Open): void => {
    const took = schedule.now() - startedAt - (process.frozenFor() - frozenBefore)
    if (took > ask.timeout + SLACK) witness.violate('L1', `a call of ${process.name} took ${took} ms of ${ask.timeout}`)
  }

  const plague = createPlague({
    schedule,
    random,
    scenario,
    isTroubled: () => troubled,
    tell,
    onSeen: saw,
    onCrash(process) {
      for (const one of open) if (one.process === process) open.delete(one)
      // The next process of the environment starts as its next invocation.
      void live(`${process.name}'`)
    },
  })

  /** After long idleness environments wake together, as after a night: that is when clean-up and lease meet. */
  const nextPause = (): number => {
    if (scenario.trouble !== 'idle') return random.between(...scenario.pause)
    return scenario.pause[1] - (schedule.now() % scenario.pause[1]) + random.between(0, 2_000)
  }

  const isEasy =
    rotation === undefined &&
    scenario.trouble === 'crash' &&
    scenario.tooSlow === 0 &&
    scenario.faults.lostRequest === 0

  const live = async (name: string): Promise<void> => {
    const environment = start(name)
    const { process, engine, slot } = environment
    plague(environment.process)
    for (let n = 0; n < scenario.calls; n += 1) {
      await process.sleep(nextPause())
      if (scenario.cleanUp) backend.cleanUp()
      const leave = scenario.background ? engine.enter() : undefined
      const minLife = random.chance(scenario.longWork) ? random.between(0, scenario.life) : 0
      const timeout = random.pick([2_000, 10_000, 20_000])
      const result = await call(environment, { minLife, timeout, rejected: undefined })
      const crashes = seen.get('crash') ?? 0
      if (result instanceof Error && isEasy && crashes <= 1 && timeout >= LEASE + 10_000) {
        witness.violate('L2', `a call of ${timeout} ms failed beside one crash: ${result.message}`)
      }
      if (!(result instanceof Error) && random.chance(scenario.reject)) {
        saw('rejected')
        await engine.reject(slot, result.fingerprint)
        await call(environment, { minLife: 0, timeout: 10_000, rejected: result.fingerprint })
      }
      leave?.()
      await engine.settle(1_000)
    }
  }

  /** When all trouble is over, the next call must publish soon, or find what it needs. */
  const aftermath = async (): Promise<void> => {
    troubled = false
    const record = backend.image(KEY)?.body
    const notBefore = record === undefined ? 0 : Number(/"notBefore":(\d+)/.exec(record)?.[1] ?? 0)
    const environment = start('last')
    await environment.process.sleep(Math.max(0, notBefore - START - schedule.now()) + 2_000)
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const before = schedule.now()
      const result = await call(environment, { minLife: 0, timeout: 20_000, rejected: undefined })
      const took = schedule.now() - before
      if (!(result instanceof Error)) {
        if (took > LEASE + 1_000 + 1_000 + 1_000)
          witness.violate('L3', `the first call after the trouble took ${took} ms`)
        return
      }
      // The issuer may still be slower than anybody waits: that is no fault of the protocol.
      if (scenario.tooSlow === 0 && !(result instanceof SignInRequiredError))
        return witness.violate('L3', `the first call after the trouble failed: ${result.message}`)
      await environment.process.sleep(61_000)
    }
  }

  for (let n = 0; n < scenario.environments; n += 1) void live(`e${n}`)
  let events = 0
  let ending = false
  return {
    step() {
      events += 1
      if (events <= mostEvents && schedule.step()) return true
      if (ending || events > mostEvents) return false
      ending = true
      void aftermath()
      return true
    },
    finish() {
      for (const one of open) {
        if (one.process.isAlive()) witness.violate('L1', `a call of ${one.process.name} never ended`)
      }
      checkOutage()
      const counts = {
        events,
        calls,
        durations,
        issuerCalls: issuer.requests(),
        reads: backend.reads(),
        writes: backend.writes(),
      }
      return { seed, scenario, violations: witness.violations, seen, ...counts }
    },
  }

  /** During an outage without other trouble, the fleet asks as often as one environment that backs off. */
  function checkOutage(): void {
    const { outage, trouble } = scenario
    if (
      outage === undefined ||
      rotation !== undefined ||
      trouble !== 'outage' ||
      scenario.tooSlow > 0 ||
      witness.calls().alone > 0
    )
      return
    let steps = 1
    for (let at = 0; at < outage[1] - outage[0]; steps += 1) at += 0.75 * Math.min(60_000, 1_000 * 2 ** (steps - 1))
    const failures = seen.get('cool-down') ?? 0
    if (failures > steps + 1) witness.violate('I10', `${failures} failed calls in an outage of ${steps} steps`)
  }
}
