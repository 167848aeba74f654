/** A simulated day of environments on one store, in virtual time. */
import { randomBytes } from 'node:crypto'
import type { createTokens, Source, Store, TokenHandle, TokenValue } from '@warmtoken/core'
import type { Image } from '@warmtoken/core/adapter'
import type { aesGcm } from '@warmtoken/core/seal'
import {
  createBackend,
  createProcess,
  createSchedule,
  NO_FAULTS,
  type Process,
  type Random,
  type Schedule,
  seeded,
} from '@warmtoken/core/simulator'

export const MINUTE = 60_000
export const HOUR: number = 60 * MINUTE
const DAY = 24 * HOUR
const LIFETIME = HOUR
/** With less lifetime left than this, a refresh is due: the refresh window of ten minutes and its jitter. */
const DUE = 15 * MINUTE + 2_000
const ENVIRONMENTS = 6
/** How long an environment lives on average before the next one takes its place. */
const ENVIRONMENT_LIFETIME = 90 * MINUTE
/** The longest pause of the fleet after the issuer was out of order, in ms. */
const COOL_DOWN = 2 * MINUTE
/** What a call may take beyond its timeout of ten seconds: answers on their way. */
const LONGEST_CALL = 10_100
const RING = { current: 'a', keys: { a: randomBytes(32) } }
const HOW = { signal: new AbortController().signal, consistent: true }

/** One release of the library. */
export interface Kit {
  readonly createTokens: typeof createTokens
  readonly aesGcm: typeof aesGcm
}

/** A call that got no token while the issuer worked. */
export interface FailedCall {
  readonly at: number
  readonly code: string
  readonly message: string
}

/** What the issuer saw and what the callers had. */
export interface Day {
  readonly fetches: number
  /** Fetches although the token in the store was good and not due. */
  readonly needless: number
  readonly failed: readonly FailedCall[]
  /** Tokens that were returned after their end. */
  readonly dead: number
  /** Refresh tokens that were spent again: the issuer revokes such a chain. */
  readonly spentAgain: readonly string[]
  /** Calls that took longer than their timeout. */
  readonly late: number
  /** Calls by release. */
  readonly calls: ReadonlyMap<Kit, number>
}

/** Changes what the store holds, as another program would. */
export interface Meddler {
  readonly random: Random
  /** The time since the start of the day, in ms. */
  now(): number
  sleep(ms: number): Promise<void>
  /** What is there. */
  look(): Promise<Image | undefined>
  /** Replaces what is there, if it still is. True when that was done. */
  put(seen: Image, body: string): Promise<boolean>
}

/** How a day is lived. */
export interface DayOptions {
  readonly seed: number
  readonly exclusive: boolean
  /** The release of an environment that starts at this time. */
  readonly releaseAt: (time: number, number: number) => Kit
  /** Runs beside the environments, all day. */
  readonly meddle?: (meddler: Meddler) => Promise<void>
}

/** An issuer that knows when each of its tokens ends and which refresh tokens were spent. It is out of order at times. */
function createIssuer({ now }: Schedule, exclusive: boolean) {
  const ends = new Map<string, number>()
  const spentTokens = new Set<string>()
  const spentAgain: string[] = []
  let [fetches, needless, newest, refused] = [0, 0, 0, '']
  const isOut = (): boolean => now() % (8 * HOUR) > 7 * HOUR + 50 * MINUTE
  const isBlamed = (): boolean => isOut() || (now() > HOUR && now() % (8 * HOUR) < COOL_DOWN)

  const source: Source<TokenValue> = {
    kind: 'release',
    identity: () => (exclusive ? 'rotating' : 'shared'),
    secretFingerprint: () => 'secret',
    traits: { mintBudget: 100 },
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
  return { source, isOut, isBlamed, refuse, ends, counts }
}

function open({ createTokens, aesGcm }: Kit, store: Store, { runtime }: Process) {
  const placed = { ...store, place: 'simulated/table' }
  const onEvent = () => {}
  return createTokens({ store: placed, runtime, directory: false, codec: aesGcm({ ring: RING }), onEvent })
}

/** Lives through a day. */
export async function liveDay({ seed, exclusive, releaseAt, meddle }: DayOptions): Promise<Day> {
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
  const failed: FailedCall[] = []
  const calls = new Map<Kit, number>()
  let [dead, late] = [0, 0]
  let key = ''

  const call = async (handle: TokenHandle): Promise<void> => {
    const startedAt = schedule.now()
    try {
      const token = await handle.get()
      if ((issuer.ends.get(token.value) ?? 0) < schedule.now()) dead += 1
      if (schedule.now() - startedAt > LONGEST_CALL) late += 1
      if (!random.chance(0.005) || issuer.isOut()) return
      issuer.refuse(token.value)
      await handle.reject(token)
    } catch (error) {
      if (schedule.now() - startedAt > 2 * LONGEST_CALL) late += 1
      const { code = '', message } = error as Error & { code?: string }
      if (!issuer.isBlamed()) failed.push({ at: schedule.now(), code, message })
    }
  }

  const environment = async (number: number): Promise<void> => {
    for (let generation = 0; schedule.now() < DAY; generation += 1) {
      const kit = releaseAt(schedule.now(), number)
      const clocks = { skew: random.between(-MINUTE, MINUTE), monotonicStops: false }
      const process = createProcess(`e${number}-${generation}`, schedule, random, clocks)
      const handle = open(kit, backend.storeFor(process), process).use(issuer.source)
      key = handle.key
      const endsAt = schedule.now() + ENVIRONMENT_LIFETIME * random.between(0.5, 1.5)
      while (schedule.now() < endsAt) {
        await process.sleep(random.between(5_000, 10 * MINUTE))
        calls.set(kit, (calls.get(kit) ?? 0) + 1)
        await call(handle)
      }
    }
  }

  const meddler = (): Meddler => {
    const process = createProcess('meddler', schedule, random, { skew: 0, monotonicStops: false })
    const store = backend.storeFor(process)
    return {
      random,
      now: schedule.now,
      sleep: process.sleep,
      look: async () => (await store.read(key, HOW)).image,
      async put(seen, body) {
        const keepUntil = process.runtime.wall() + 400 * DAY
        const swap = { expected: seen, body, tag: process.runtime.unique(), keepUntil }
        return (await store.swap(key, swap, HOW)).outcome === 'swapped'
      },
    }
  }

  for (let number = 0; number < ENVIRONMENTS; number += 1) void environment(number)
  const meddling = meddle?.(meddler())
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  do await turn()
  while (schedule.step())
  await meddling
  return { ...issuer.counts(), failed, dead, late, calls }
}

/** Loads what a release imports when it is first needed: that takes real time, of which a simulated day has none. */
export async function loadKit({ createTokens, aesGcm }: Kit): Promise<void> {
  for (const exclusive of [false, true]) {
    const { source } = createIssuer(createSchedule(), exclusive)
    const tokens = createTokens({ directory: false, codec: aesGcm({ ring: RING }) })
    const handle = tokens.use(source)
    await handle.reject(await handle.get())
  }
}
