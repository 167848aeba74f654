import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MONTH, planCost, planLive, readPrices, usageOf } from '@warmtoken/cli/plan-cost'
import { CALM, prepareRun, type Scenario } from '@warmtoken/core/simulator'
import { describe, expect, it } from 'vitest'
import { burstCalls, type Call, randomCalls, runLoad } from './fleet-load.ts'
import { run } from './run.ts'

const SEEDS = [1, 2, 3, 4]
/** Calls of each environment in a short run and in a long one: their difference has no start and no end. */
const CALLS = [40, 340] as const

interface Fleet {
  readonly environments: number
  /** Mean time between the calls of one environment, in seconds. */
  readonly pause: number
  /** In seconds. */
  readonly tokenLife: number
}

function scenario({ environments, pause, tokenLife }: Fleet, calls: number): Scenario {
  return {
    ...CALM,
    environments,
    calls,
    lifetime: tokenLife * 1_000,
    // Much wider, and the slowest environment would end so late that the run is not the load that is compared.
    pause: [800 * pause, 1_200 * pause],
    background: true,
  }
}

interface Counts {
  readonly reads: number
  readonly writes: number
  readonly fetches: number
}

/** What the production engine asks of store and issuer in that many calls of each environment. */
async function counted(fleet: Fleet, calls: number): Promise<Counts> {
  const totals = { reads: 0, writes: 0, fetches: 0 }
  for (const seed of SEEDS) {
    const simulation = prepareRun(seed, { scenario: scenario(fleet, calls) })
    while (simulation.step()) await new Promise((resolve) => setImmediate(resolve))
    const { reads, writes, issuerCalls, violations } = simulation.finish()
    expect(violations).toEqual([])
    totals.reads += reads
    totals.writes += writes
    totals.fetches += issuerCalls
  }
  return totals
}

describe('the formulas of plan-cost', () => {
  it.each<Fleet>([
    { environments: 40, pause: 300, tokenLife: 3_600 },
    { environments: 100, pause: 600, tokenLife: 7_200 },
    { environments: 20, pause: 60, tokenLife: 900 },
  ])('are within 5 % of the requests that the simulated fleet makes: %o', async (fleet) => {
    const [short, long] = [await counted(fleet, CALLS[0]), await counted(fleet, CALLS[1])]
    const seconds = (CALLS[1] - CALLS[0]) * fleet.pause * SEEDS.length
    const invocations = (fleet.environments / fleet.pause) * MONTH
    // These environments live for the whole run.
    const { dueReads, writes, fetches } = usageOf({ ...fleet, invocations, environmentLife: MONTH, tokens: 1 })
    const share = seconds / MONTH
    const ratios = {
      reads: (dueReads * share) / (long.reads - short.reads),
      writes: (writes * share) / (long.writes - short.writes),
      fetches: (fetches * share) / (long.fetches - short.fetches),
    }
    for (const [what, ratio] of Object.entries(ratios)) {
      expect(ratio, what).toBeGreaterThan(0.95)
      expect(ratio, what).toBeLessThan(1.05)
    }
  })
})

/** A day, and when the first values of all have been refreshed, in seconds. */
const [DAY, FROM] = [86_400, 7_200]

interface Called {
  readonly calls: readonly Call[]
  readonly environments: number
  readonly tokenLife: number
  readonly burst?: number
}

/** For each number of the plan, what it is in requests that the engine made for the same calls. */
async function ratiosOf({ calls, environments, tokenLife, burst = 0 }: Called) {
  const counts = await runLoad({ calls, environments, tokenLife, from: FROM })
  const seconds = (calls.at(-1)?.[0] ?? 0) - FROM
  const share = seconds / MONTH
  const invocations = calls.filter(([at]) => at >= FROM).length / share
  // These environments live all the time.
  const plan = usageOf({ invocations, environments, tokenLife, environmentLife: MONTH, tokens: 1, burst })
  return {
    reads: (plan.dueReads * share) / counts.reads,
    writes: (plan.writes * share) / counts.writes,
    fetches: (plan.fetches * share) / counts.fetches,
  }
}

function repeated(times: number, pause: number): readonly number[] {
  return Array.from({ length: times }, () => pause)
}

describe('the formulas of plan-cost, for other loads than an even one,', () => {
  it.each<[string, Called]>([
    ['calls at random', { calls: randomCalls(repeated(20, 60), 3 * DAY, 1), environments: 20, tokenLife: 900 }],
    ['rare calls', { calls: randomCalls(repeated(5, 900), 30 * DAY, 2), environments: 5, tokenLife: 3_600 }],
    ...[60, 300, 900, 3_600].map((every): [string, Called] => [
      `bursts ${every} s apart`,
      {
        calls: burstCalls({ environments: 20, every, size: 5 }, Math.min(8 * DAY, 1_500 * every), 3),
        environments: 20,
        tokenLife: 3_600,
        burst: every,
      },
    ]),
  ])('are within 5 %% of the requests that the engine makes: %s', async (_load, called) => {
    for (const [what, ratio] of Object.entries(await ratiosOf(called))) {
      expect(ratio, what).toBeGreaterThan(0.95)
      expect(ratio, what).toBeLessThan(1.05)
    }
  })

  it('are within 5 % for writes and token requests, and up to 10 % too high for reads, where half of the fleet is busy', async () => {
    const pauses = [...repeated(10, 12), ...repeated(10, 300)]
    const calls = randomCalls(pauses, 2 * DAY, 4)
    const { reads, writes, fetches } = await ratiosOf({ calls, environments: 20, tokenLife: 900 })
    expect([writes, fetches].every((ratio) => ratio > 0.95 && ratio < 1.05)).toBe(true)
    expect(reads).toBeGreaterThan(1)
    expect(reads).toBeLessThan(1.1)
  })
})

const LOAD = { invocations: 1e7, environments: 100, tokenLife: 3_600, environmentLife: 7_200, tokens: 1 }
const ARGS = ['--invocations', '1e7', '--environments', '100', '--token-life', '3600', '--issuer-price', '2.25']
  .join(' ')
  .replace('1e7', '10000000')
  .split(' ')

describe('the plan', () => {
  it('never has more starts of environments than invocations, nor fewer fetches alone than together', () => {
    for (const invocations of [1, 1e3, 1e6, 1e12]) {
      for (const tokens of [1, 100]) {
        const usage = usageOf({ ...LOAD, invocations, tokens })
        expect(usage.starts).toBeLessThanOrEqual(invocations)
        expect(usage.reads).toBeGreaterThan(0)
        if (invocations >= 1e6) expect(usage.fetchesAlone).toBeGreaterThan(usage.fetches)
      }
    }
  })

  it('bills what the lines say', async () => {
    const { placements, usage } = planCost({ ...LOAD, issuerPrice: 2.25 }, await readPrices())
    for (const { lines, dollars } of placements) {
      expect(lines.reduce((sum, line) => sum + line.dollars, 0)).toBeCloseTo(dollars, 9)
    }
    const [dynamodb, , , alone, each] = placements
    expect(dynamodb?.dollars).toBeCloseTo(
      (usage.reads * 0.125 + usage.writes * 2 * 0.625) / 1e6 + (usage.fetches * 2.25) / 1_000,
      9,
    )
    expect(alone?.dollars).toBeGreaterThan(dynamodb?.dollars ?? 0)
    expect(each?.dollars).toBeCloseTo(22_500, 6)
  })
})

describe('the plan of live events', () => {
  it.each([
    [1_000, 18, 15.55],
    [100_000, 1_800, 1_555],
    [1_000_000, 18_000, 15_552],
  ])('for %i viewers bills messages and minutes as the page says', async (viewers, gateway, appSync) => {
    const { placements } = planLive({ viewers, hours: 240, events: 1 }, await readPrices())
    const [sockets, events, streams] = placements
    const [messages, minutes, writes, reads] = sockets?.lines ?? []
    expect((messages?.dollars ?? 0) + (minutes?.dollars ?? 0)).toBeCloseTo(gateway, 2)
    expect((events?.dollars ?? 0) / appSync).toBeCloseTo(1, 2)
    // What is kept of the connections costs a small part of that.
    expect((writes?.dollars ?? 0) + (reads?.dollars ?? 0)).toBeLessThan(gateway / 10)
    expect(streams?.dollars).toBeGreaterThan(50 * (sockets?.dollars ?? 0))
    for (const { lines, dollars } of placements)
      expect(lines.reduce((sum, line) => sum + line.dollars, 0)).toBeCloseTo(dollars, 9)
  })

  it('advises another engine above 10,000 sockets, and streams for a few viewers alone', async () => {
    const adviceFor = async (viewers: number) =>
      planLive({ viewers, hours: 240, events: 1 }, await readPrices()).advice.join(' ')
    expect(await adviceFor(10)).toContain('Server-Sent Events are fine')
    expect(await adviceFor(10_000)).toContain('Use the WebSockets of API Gateway')
    const many = await adviceFor(10_001)
    for (const engine of ['AppSync Events', 'IoT Core', 'Momento', 'Upstash', 'Ably', 'Pusher', 'Centrifugo'])
      expect(many).toContain(engine)
  })

  it('is printed with its formulas and its times, in words and as JSON, and asks nothing', async () => {
    const { code, out, err } = await run(['plan-cost', '--viewers', '1000000'])
    expect([code, err]).toEqual([0, ''])
    for (const expected of ['100 s', '33 min', 'viewers × hours × 60', 'change the Publisher', '2026-11-29', '█'])
      expect(out).toContain(expected)
    const json = await run(['plan-cost', '--viewers', '1000', '--viewer-hours', '1', '--events', '0', '--json'])
    expect(JSON.parse(json.out)).toMatchObject({ viewers: 1_000, hours: 1, events: 0, reachesAllIn: 0.1 })
    const wrong = await run(['plan-cost', '--viewers', 'all'])
    expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining('--viewers')])
  })

  it('names the price that a file lacks', async () => {
    const prices = await readPrices()
    const { webSocketMinute: _, ...others } = prices.dollarsPerMillion
    expect(() => planLive({ viewers: 1, hours: 1, events: 1 }, { ...prices, dollarsPerMillion: others })).toThrow(
      'dollarsPerMillion.webSocketMinute',
    )
  })
})

describe('warmtoken plan-cost', () => {
  it('prints requests, dollars and formulas for each placement, and what it costs without warmtoken', async () => {
    const { code, out, err } = await run(['plan-cost', ...ARGS])
    expect([code, err]).toEqual([0, ''])
    for (const expected of ['DynamoDB', 'S3', 'Upstash', 'without warmtoken', '2 × token requests', '█', '2026-11-29'])
      expect(out).toContain(expected)
  })

  it('prints the same as one JSON object', async () => {
    const { out } = await run(['plan-cost', ...ARGS, '--json'])
    expect(JSON.parse(out)).toMatchObject({
      invocations: 1e7,
      usage: { fetches: expect.any(Number) },
      prices: { region: 'us-east-1' },
    })
  })

  it('names the question that nobody can be asked', async () => {
    const { code, out, err } = await run(['plan-cost', '--invocations', '1'])
    expect([code, out, err]).toEqual([2, '', expect.stringContaining('--environments is missing')])
  })

  it.each([
    [['--invocations', '-1'], 'must be a number from 1'],
    [['--tokens', '1.5'], 'whole number'],
    [['--token-life', 'forever'], '--token-life'],
  ])('refuses %j', async (args, message) => {
    const { code, err } = await run(['plan-cost', ...ARGS, ...args])
    expect([code, err]).toEqual([2, expect.stringContaining(message)])
  })

  it('takes prices of a file, warns when they are old, and names what a file lacks', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'warmtoken-prices-'))
    const own = JSON.parse(readFileSync(new URL('../../packages/cli/prices.json', import.meta.url), 'utf8'))
    const file = join(folder, 'prices.json')
    writeFileSync(
      file,
      JSON.stringify({ ...own, day: '2020-01-01', dollarsPerMillion: { ...own.dollarsPerMillion, s3Put: 50 } }),
    )
    const old = await run(['plan-cost', ...ARGS, '--prices', file])
    expect([old.code, old.out, old.err]).toEqual([
      0,
      expect.stringContaining('$50 a million'),
      expect.stringMatching(/days old/),
    ])
    writeFileSync(file, JSON.stringify({ ...own, dollarsPerMillion: { ...own.dollarsPerMillion, s3Put: undefined } }))
    const { code, err } = await run(['plan-cost', ...ARGS, '--prices', file])
    expect([code, err]).toEqual([1, expect.stringContaining('dollarsPerMillion.s3Put')])
    expect((await run(['plan-cost', ...ARGS, '--prices', join(folder, 'absent')])).code).toBe(1)
    rmSync(folder, { recursive: true })
  })
})
