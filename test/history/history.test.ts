import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Chance, type FaultProxy, seededRandom, startFaultProxy } from '@warmtoken/local'
import { checkHistory, type HistoryEvent, type HistoryResult } from '@warmtoken/testing/history'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeProgram, type Program } from '../stores/fleet/program.ts'
import { BACKENDS, type Started } from './backends.ts'
import { connect } from './connect.ts'
import { type Fleet, startFleet, WORKER } from './fleet.ts'
import { startCountingIssuer } from './issuer.ts'
import type { Address, Line } from './protocol.ts'

const WORKERS = 40
/** A run lasts until all that it is about has happened, at least and at most so long, in ms. */
const AT_LEAST = 20_000
const AT_MOST = 180_000
/** What may pass between an engine's look at its clock and the recorder's where 40 threads share a few cores, in ms. */
const TOLERANCE = 500

const seed = Number(process.env['WARMTOKEN_TEST_SEED'] ?? Math.floor(Math.random() * 1e9))

/** Of all requests 15 % lose their reply; some of these hang, so that the engine learns nothing at all. */
const PLAN: readonly Chance[] = [
  { fault: { kind: 'reset', when: 'after' }, probability: 0.1 },
  { fault: { kind: 'hang', when: 'after' }, probability: 0.05 },
  { fault: { kind: 'reset', when: 'before' }, probability: 0.03 },
  { fault: { kind: 'duplicate', when: 'before' }, probability: 0.02 },
  { fault: { kind: 'duplicate', when: 'after' }, probability: 0.02 },
]

interface Run {
  readonly lines: readonly Line[]
  readonly nonces: readonly string[]
  readonly results: ReadonlyMap<string, HistoryResult>
  readonly told: Fleet['told']
  readonly crashes: number
  readonly faults: ReturnType<FaultProxy['counts']>
}

async function finalTag(address: Address, key: string): Promise<string | undefined> {
  const signal = AbortSignal.timeout(10_000)
  return (await connect(address).read(key, { signal, consistent: true })).image?.tag
}

async function untilAllHappened({ told, crashes }: Fleet): Promise<void> {
  const startedAt = performance.now()
  // Three, for an engine also takes over what was its own, which is no change of hands.
  const hasAll = (): boolean =>
    told.published > 10 && told['taken over'] > 2 && told.adopted > 0 && told.paused > 0 && crashes() > 0
  while (performance.now() - startedAt < AT_MOST) {
    if (performance.now() - startedAt >= AT_LEAST && hasAll()) return
    await sleep(200)
  }
}

/** Keys apart: each has a chain of its own. */
function byKey(lines: readonly Line[]): ReadonlyMap<string, HistoryEvent[]> {
  const events = lines.filter((line) => line.type !== 'told')
  return Map.groupBy(events, ({ key }) => key)
}

async function play(program: Program, { address }: Started): Promise<Run> {
  const random = seededRandom(seed)
  const folder = mkdtempSync(join(tmpdir(), 'warmtoken-history-'))
  const issuer = await startCountingIssuer(() => 20 + random() * 100)
  const proxy = await startFaultProxy({ target: address.url, plan: PLAN, random })
  try {
    const fleet = await startFleet(program, WORKERS, {
      address: { ...address, url: proxy.url },
      issuerUrl: issuer.url,
      seed,
      folder,
    })
    await untilAllHappened(fleet)
    const lines = await fleet.stop()
    await proxy.close()
    const results = new Map<string, HistoryResult>()
    for (const [key, events] of byKey(lines)) {
      results.set(key, checkHistory(events, await finalTag(address, key), { tolerance: TOLERANCE }))
    }
    const { told, crashes } = fleet
    return { lines, results, nonces: issuer.nonces, told, crashes: crashes(), faults: proxy.counts() }
  } finally {
    await proxy.close()
    await issuer.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

let program: Program
beforeAll(async () => {
  program = await makeProgram(WORKER)
})
afterAll(() => program.close())

describe.each(BACKENDS)('forty workers on %s, with lost replies, pauses and crashes', (name, start) => {
  test('leave one clean chain for each token', { timeout: AT_MOST + 120_000 }, async ({ skip }) => {
    const started = await start().catch((error: unknown) => {
      console.error(`\n*** SKIPPED: ${name}: ${error instanceof Error ? error.message : 'it did not start'}\n`)
      return undefined
    })
    if (started === undefined) return skip(`SKIPPED: ${name} could not be started`)
    const run = await play(program, started).finally(started.close)
    const results = [...run.results.values()]
    const sum = (count: keyof HistoryResult['counts']): number =>
      results.reduce((total, { counts }) => total + counts[count], 0)
    const leases = new Set(results.flatMap((result) => [...result.leases]))
    const withoutLease = run.nonces.filter((nonce) => !leases.has(nonce))
    console.log(`${name}, seed ${seed}:`, {
      lines: run.lines.length,
      issuerCalls: run.nonces.length,
      alone: withoutLease.length,
      crashes: run.crashes,
      told: run.told,
      faults: run.faults,
      chains: results.map(({ counts }) => counts),
    })

    expect(results.flatMap(({ violations }) => violations)).toEqual([])
    expect(sum('publishes')).toBeGreaterThan(10)
    expect(sum('takeOvers')).toBeGreaterThan(0)
    expect(sum('adoptions') + run.told.adopted).toBeGreaterThan(0)
    expect(run.crashes).toBeGreaterThan(0)
    // One call for each lease at most, and none without but where the store was out of reach.
    expect(new Set(run.nonces).size).toBe(run.nonces.length)
    expect(withoutLease.length).toBeLessThanOrEqual(run.told.alone + run.crashes)
    expect(run.nonces.length).toBeLessThanOrEqual(sum('publishes') + sum('unused') + withoutLease.length)
  })
})
