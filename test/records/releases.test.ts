import { randomBytes } from 'node:crypto'
import { createTokens, type Source, type TokenHandle, type TokenValue } from '@warmtoken/core'
import { aesGcm } from '@warmtoken/core/seal'
import {
  createBackend,
  createProcess,
  createSchedule,
  NO_FAULTS,
  type Process,
  type Schedule,
  seeded,
} from '@warmtoken/core/simulator'
import { describe, expect, it } from 'vitest'
import * as previousRelease from '../fixtures/previous-release/core.mjs'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const LIFETIME = HOUR
/** With less lifetime left than this, a refresh is due: the refresh window of ten minutes and its jitter. */
const DUE = 15 * MINUTE + 2_000
const ENVIRONMENTS = 6
/** How long an environment lives before the next one takes its place. */
const ENVIRONMENT_LIFETIME = 90 * MINUTE
const RING = { current: 'a', keys: { a: randomBytes(32) } }
const RELEASES = { previous: previousRelease, current: { createTokens, aesGcm } }
type Release = keyof typeof RELEASES

/** What the issuer saw and what the callers had. */
interface Day {
  readonly fetches: number
  /** Fetches although the token in the store was good and not due. */
  readonly needless: number
  /** Calls without a token, while the issuer worked. */
  readonly failed: readonly string[]
  /** Tokens that were returned after their end. */
  readonly dead: number
  /** Refresh tokens that were spent again: the issuer revokes such a chain. */
  readonly spentAgain: readonly string[]
  readonly calls: Readonly<Record<Release, number>>
}

/** An issuer that knows when each of its tokens ends and which refresh tokens were spent. */
function createIssuer({ now }: Schedule, exclusive: boolean) {
  const ends = new Map<string, number>()
  const spentTokens = new Set<string>()
  const spentAgain: string[] = []
  let [fetches, needless, newest, refused] = [0, 0, 0, '']
  const isOut = (): boolean => now() % (8 * HOUR) > 7 * HOUR + 50 * MINUTE

  const source: Source<TokenValue> = {
    kind: 'release',
    identity: () => (exclusive ? 'rotating' : 'shared'),
    secretFingerprint: () => 'secret',
    ...(exclusive && { exclusive: { afterCrash: 'stop', spends: (before) => String(before?.chain ?? 'seed') } }),
    async fetch({ spends }) {
      if (isOut()) throw Object.assign(new Error('out of order'), { name: 'SourceUnavailableError', nothingDone: true })
      fetches += 1
      const isDue = newest - now() < DUE || refused === `token-${fetches - 1}`
      if (fetches > 1 && !isDue) needless += 1
      if (spends !== undefined && spentTokens.has(spends)) spentAgain.push(spends)
      if (spends !== undefined) spentTokens.add(spends)
      newest = now() + LIFETIME
      ends.set(`token-${fetches}`, newest)
      const value = { value: `token-${fetches}`, type: 'Bearer', chain: `refresh-${fetches}` }
      return { value, lifetime: LIFETIME }
    },
  }
  const refuse = (token: string): void => {
    refused = token
  }
  const counts = () => ({ fetches, needless, spentAgain })
  return { source, isOut, refuse, ends, counts }
}

/** A day of environments of both releases on one store, in virtual time. `releaseAt`: which one starts at this time. */
async function live(
  seed: number,
  exclusive: boolean,
  releaseAt: (time: number, number: number) => Release,
): Promise<Day> {
  const random = seeded(seed)
  const schedule = createSchedule()
  const backend = createBackend({
    schedule,
    random,
    wholeSeconds: true,
    latency: [1, 12],
    faults: () => NO_FAULTS,
    isDown: () => false,
    onSend: () => {},
    onApply: () => {},
    onFault: () => {},
  })
  const issuer = createIssuer(schedule, exclusive)
  const failed: string[] = []
  const calls = { previous: 0, current: 0 }
  let dead = 0

  const start = (process: Process, release: Release): TokenHandle => {
    const { createTokens, aesGcm } = RELEASES[release]
    const store = { ...backend.storeFor(process), place: 'simulated/table' }
    const options = { store, runtime: process.runtime, directory: false, codec: aesGcm({ ring: RING }) } as const
    return createTokens({ ...options, onEvent: () => {} }).use(issuer.source)
  }

  const call = async (handle: TokenHandle, release: Release): Promise<void> => {
    calls[release] += 1
    try {
      const token = await handle.get()
      if ((issuer.ends.get(token.value) ?? 0) < schedule.now()) dead += 1
      if (!random.chance(0.005) || issuer.isOut()) return
      issuer.refuse(token.value)
      await handle.reject(token)
    } catch (error) {
      if (!issuer.isOut()) failed.push(`${release} at ${Math.round(schedule.now() / MINUTE)} min: ${String(error)}`)
    }
  }

  const environment = async (number: number): Promise<void> => {
    for (let generation = 0; schedule.now() < DAY; generation += 1) {
      const release = releaseAt(schedule.now(), number)
      const clocks = { skew: random.between(-MINUTE, MINUTE), monotonicStops: false }
      const process = createProcess(`${release}-${number}-${generation}`, schedule, random, clocks)
      const handle = start(process, release)
      const endsAt = schedule.now() + ENVIRONMENT_LIFETIME * random.between(0.5, 1.5)
      while (schedule.now() < endsAt) {
        await process.sleep(random.between(5_000, 10 * MINUTE))
        await call(handle, release)
      }
    }
  }

  for (let number = 0; number < ENVIRONMENTS; number += 1) void environment(number)
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  do await turn()
  while (schedule.step())
  return { ...issuer.counts(), failed, dead, calls }
}

/** Loads what either release imports when it is first needed: that takes real time, of which a simulated day has none. */
async function load(): Promise<void> {
  for (const { createTokens, aesGcm } of Object.values(RELEASES)) {
    for (const exclusive of [false, true]) {
      const { source } = createIssuer(createSchedule(), exclusive)
      const tokens = createTokens({ directory: false, codec: aesGcm({ ring: RING }) })
      const handle = tokens.use(source)
      await handle.reject(await handle.get())
    }
  }
}

const PLANS: readonly (readonly [string, (time: number, number: number) => Release])[] = [
  ['an upgrade, one environment after the other', (time) => (time < 8 * HOUR ? 'previous' : 'current')],
  ['a roll-back', (time) => (time < 8 * HOUR ? 'current' : 'previous')],
  [
    'an upgrade that is rolled back and done again',
    (time) => (Math.floor(time / (6 * HOUR)) % 2 ? 'current' : 'previous'),
  ],
  ['functions of both releases, all day', (_time, number) => (number % 2 ? 'current' : 'previous')],
]

describe('environments of the previous release and of this one share a store for a day', () => {
  it.each(PLANS)('in %s, and lose no token and no chain', async (_name, plan) => {
    await load()
    for (const exclusive of [false, true]) {
      for (let seed = 1; seed <= 3; seed += 1) {
        const day = await live(seed, exclusive, plan)
        expect(day.failed).toEqual([])
        expect(day.dead).toBe(0)
        expect(day.spentAgain).toEqual([])
        expect(day.needless).toBeLessThanOrEqual(1)
        expect(day.fetches).toBeGreaterThan(20)
        expect(Math.min(day.calls.previous, day.calls.current)).toBeGreaterThan(50)
      }
    }
  })
})
