/** Production sessions of some users, in some environments, in virtual time. @module */

import { WarmTokenError } from '../../src/errors.ts'
import { keyOfUser } from '../../src/sessions/records.ts'
import { createSessions, type Sessions } from '../../src/sessions/sessions.ts'
import { createTokenCodec, hashOf } from '../../src/sessions/token.ts'
import { type Backend, createBackend, noisy } from '../backend.ts'
import { createProcess, type Process, START } from '../process.ts'
import { type Random, seeded } from '../random.ts'
import { createSchedule, type Schedule } from '../schedule.ts'
import { createSessionWitness, type SessionViolation, type SessionWitness } from './witness.ts'

const RECHECK = 5_000
const LIFETIMES = { idle: 60_000, absolute: 150_000, renewEvery: 8_000 }
const USERS = ['ann', 'bob']
/** What a call may take: a change, and the patience of its last request. */
const MOST_TIME = 14_000
const MAX_EVENTS = 100_000

/** What came of a run. */
export interface SessionResult {
  readonly seed: number
  readonly violations: readonly SessionViolation[]
  readonly events: number
  readonly calls: number
  /** How often each thing worth seeing was seen. */
  readonly seen: ReadonlyMap<string, number>
}

/** A run that can be taken step by step. */
export interface SessionRun {
  step(): boolean
  finish(): SessionResult
}

interface World {
  readonly random: Random
  readonly schedule: Schedule
  readonly witness: SessionWitness
  readonly saw: (name: string) => void
  readonly tell: (what: () => string) => void
  /** Every token that was returned, and some that never were valid. */
  readonly tokens: { readonly userId: string; readonly text: string; readonly id: string }[]
  readonly open: Map<object, { readonly process: Process; readonly what: string }>
  calls: number
}

interface Environment {
  readonly process: Process
  readonly sessions: Sessions
  readonly world: World
}

/** Prepares the run of a seed. `trace` receives a line for everything that happens. */
export function prepareSessionRun(seed: number, trace?: (line: string) => void): SessionRun {
  const random = seeded(seed)
  const schedule = createSchedule()
  const seen = new Map<string, number>()
  const saw = (name: string): void => void seen.set(name, (seen.get(name) ?? 0) + 1)
  const tell = (what: () => string): void => trace?.(`${schedule.now().toFixed(1).padStart(12)}  ${what()}`)
  const witness = createSessionWitness(schedule, saw)
  const faults = noisy(random.pick([0, 0, 0.05, 0.15]))
  const backend = createBackend({
    schedule,
    random,
    wholeSeconds: random.chance(0.5),
    latency: [1, 30],
    faults: () => faults,
    isDown: () => false,
    onSend: () => {},
    onApply(applied) {
      tell(() => `${applied.process.name} writes ${applied.after.body}`)
      witness.onApply(applied)
    },
    onFault: saw,
  })
  const world: World = { random, schedule, witness, saw, tell, tokens: [], open: new Map(), calls: 0 }
  // Cookies from before the runs, of users that have no record yet.
  for (const userId of USERS) {
    const text = createTokenCodec(undefined).mint(keyOfUser('', userId), START - 3_600_000)
    world.tokens.push({ userId, text, id: hashOf(text).slice(0, 16) })
  }
  const count = 2 + Math.floor(random.between(0, 4))
  const trouble = random.pick(['none', 'freeze', 'freeze', 'clocks'])
  for (let n = 0; n < count; n += 1) void live(startEnvironment(world, backend, { name: `e${n}`, trouble }))
  let events = 0
  return {
    step() {
      events += 1
      return events <= MAX_EVENTS && schedule.step()
    },
    finish() {
      for (const { process, what } of world.open.values())
        witness.violate('S8 ends', `${what} of ${process.name} never ended`)
      return { seed, violations: witness.violations, events, calls: world.calls, seen }
    },
  }
}

function startEnvironment(
  world: World,
  backend: Backend,
  { name, trouble }: { readonly name: string; readonly trouble: string },
): Environment {
  const { random, schedule, saw } = world
  const skew = random.between(-300_000, 300_000)
  const process = createProcess(name, schedule, random, { skew, monotonicStops: random.chance(0.7) })
  const sessions = createSessions({
    ...LIFETIMES,
    store: backend.storeFor(process),
    recheck: RECHECK,
    limit: { most: 50, when: 'refuse' },
    runtime: process.runtime,
    onEvent({ type }) {
      if (type === 'session-renewed' || type === 'bad-record') saw(type)
    },
  })
  const horizon = 100_000
  if (trouble === 'freeze')
    for (let n = 0; n < 4; n += 1)
      schedule.after(random.between(0, horizon), () => {
        saw('freeze')
        process.freeze()
        schedule.after(random.between(100, 20_000), process.thaw)
      })
  // A step back while the monotonic clock stands still cannot be noticed by anyone, so one excludes the other.
  if (trouble === 'clocks')
    for (let n = 0; n < 3; n += 1)
      schedule.after(random.between(0, horizon), () => {
        saw('clock step')
        process.stepWall(random.between(-300_000, 300_000))
      })
  return { process, sessions, world }
}

/** The requests of one environment, one after the other, some beside each other. */
async function live(environment: Environment): Promise<void> {
  const { process, world } = environment
  const { random } = world
  for (let n = 0; n < 25; n += 1) {
    await process.sleep(random.chance(0.3) ? random.between(0, 60) : random.between(0, 7_000))
    const acting = act(environment)
    if (random.chance(0.7)) await acting
  }
}

async function act(environment: Environment): Promise<void> {
  const { process, world } = environment
  const { random, schedule, open, witness } = world
  const act = pick(random)
  const mark = {}
  const [startedAt, frozenBefore] = [schedule.now(), process.frozenFor()]
  open.set(mark, { process, what: act.name })
  world.calls += 1
  world.tell(() => `${process.name} begins ${act.name}`)
  try {
    await act(environment)
  } catch (error) {
    world.tell(() => `${process.name} fails: ${String(error)}`)
    world.saw('failed')
    if (!(error instanceof WarmTokenError)) witness.violate('S8 ends', `an error that is not typed: ${String(error)}`)
  } finally {
    open.delete(mark)
    const took = schedule.now() - startedAt - (process.frozenFor() - frozenBefore)
    if (took > MOST_TIME) witness.violate('S8 ends', `${act.name} took ${took} ms`)
  }
}

type Act = (environment: Environment) => Promise<void>

function pick(random: Random): Act {
  if (random.chance(0.6)) return request
  return random.pick([signIn, signIn, signIn, rotate, rotate, revoke, revokeAll, update])
}

async function request({ sessions, world }: Environment): Promise<void> {
  const { random, schedule, witness, tokens } = world
  const one = tokenOf(world)
  const hash = hashOf(one.text)
  const begunAt = schedule.now()
  if (sessions.peek(one.text) !== undefined) {
    world.saw('accepted from memory')
    return witness.checkAccepted(hash, begunAt, RECHECK)
  }
  const fresh = random.chance(0.1)
  const session = await sessions.verify(one.text, { fresh })
  world.tell(() => `token ${tokens.indexOf(one)} ${session === undefined ? 'refused' : 'accepted'}`)
  if (session === undefined) witness.checkRefused(hash, begunAt)
  else witness.checkAccepted(hash, begunAt, fresh ? 0 : RECHECK)
}

async function signIn({ sessions, world }: Environment): Promise<void> {
  const { random, witness, tokens } = world
  const userId = random.pick(['ann', 'ann', 'bob'])
  const { token, session } = await sessions.create(userId, null, { user: null })
  if (!witness.wasThere(hashOf(token.value))) witness.violate('S6 acknowledged', 'a session was created in no record')
  tokens.push({ userId, text: token.value, id: session.id })
}

async function rotate({ sessions, world }: Environment): Promise<void> {
  const { random, witness, tokens } = world
  const one = tokenOf(world)
  const rotated = await sessions.rotate(one.text, { grace: random.pick([0, 3_000, 20_000]) })
  if (rotated === undefined) return
  if (!witness.wasThere(hashOf(rotated.token.value))) witness.violate('S6 acknowledged', 'a rotation is in no record')
  tokens.push({ ...one, text: rotated.token.value })
}

async function revoke({ sessions, process, world }: Environment): Promise<void> {
  const { witness } = world
  const { userId, id } = tokenOf(world)
  const key = keyOfUser('', userId)
  witness.onRevoke(process, key, id)
  await sessions.revoke(userId, id)
  if (witness.isListed(key, id)) witness.violate('S6 acknowledged', `${process.name} revoked ${id}, and it is there`)
}

async function revokeAll({ sessions, process, world }: Environment): Promise<void> {
  const { random, witness } = world
  const { userId, id } = tokenOf(world)
  const key = keyOfUser('', userId)
  const except = random.chance(0.5) ? id : undefined
  const before = witness.listed(key).filter((one) => one !== except)
  witness.onRevoke(process, key, undefined)
  await sessions.revokeAll(userId, except === undefined ? {} : { except })
  for (const one of before)
    if (witness.isListed(key, one))
      witness.violate('S6 acknowledged', `${process.name} revoked all, and ${one} is there`)
}

async function update({ sessions, world }: Environment): Promise<void> {
  await sessions.update(world.random.pick(['ann', 'bob']), () => null)
}

/** One of the tokens, the newest more often than others. */
function tokenOf({ random, tokens }: World): World['tokens'][number] {
  const newest = Math.min(tokens.length, 4)
  const index = random.chance(0.6) ? tokens.length - 1 - random.between(0, newest) : random.between(0, tokens.length)
  return tokens[Math.max(0, Math.floor(index))] ?? { userId: 'ann', text: '', id: '' }
}
