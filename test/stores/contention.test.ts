import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { dynalite } from './backends/dynamodb.ts'
import { s3StandIn } from './backends/s3.ts'
import { upstashOverRedis } from './backends/upstash.ts'
import { onEach } from './each-backend.ts'
import { ENVIRONMENT, type Fleet, startFleet } from './fleet/fleet.ts'
import { count, flaws } from './fleet/history.ts'
import { startCountingIssuer } from './fleet/issuer.ts'
import type { Orders, Report } from './fleet/message.ts'
import { makeProgram, type Program } from './fleet/program.ts'

const HOUR = 3_600_000
/** Two processors serve two hundred environments, the servers and the issuer here: requests queue for long. */
const PATIENT = { timeout: 90_000, storeTimeout: 30_000 }
/** Of a lease with the default timeouts, and what the others may take after its end, in ms. */
const LEASE = 6_000
const AFTER_LEASE = 2_000
/** What this machine may add by being busy with other tests, in ms. */
const BUSY = 1_000

const MANY = 200

let program: Program | undefined
/** Started once: two hundred processes take longer to start than all that is asked of them here. */
let many: Fleet | undefined
beforeAll(async () => {
  program = await makeProgram(ENVIRONMENT)
})
afterAll(async () => {
  many?.close()
  await program?.close()
})

const open: { close(): unknown }[] = []
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close()
})

async function onStage(stage: Parameters<Parameters<typeof onEach>[1]>[0]) {
  const { proxy, running } = stage()
  const { name } = running.connect(proxy.url)
  const issuer = await startCountingIssuer(HOUR)
  open.push(issuer, { close: () => (proxy.rules.length = 0) })
  const orders: Omit<Orders, 'environments'> = {
    store: name as Orders['store'],
    url: proxy.url,
    issuer: issuer.url,
    app: crypto.randomUUID(),
    timeout: 10_000,
  }
  const fleet = async (processes: number, more: Partial<Orders> = {}): Promise<Fleet> => {
    if (program === undefined) throw new Error('the program of the processes was not made')
    const started = await startFleet(program, processes, { ...orders, environments: 1, ...more })
    open.push(started)
    return started
  }
  const crowd = async (): Promise<Fleet> => {
    if (program === undefined) throw new Error('the program of the processes was not made')
    const next: Orders = { ...orders, environments: 1, ...PATIENT }
    if (many === undefined) many = await startFleet(program, MANY, next)
    else await many.prepare(next)
    return many
  }
  return { name, proxy, issuer, fleet, crowd }
}

function tell(what: string, reports: readonly Report[], calls: number): void {
  const first = Math.min(...reports.map(({ startedAt }) => startedAt))
  const last = Math.max(...reports.map(({ endedAt }) => endedAt))
  const reads = reports.reduce((sum, report) => sum + report.reads, 0)
  const swaps = reports.reduce((sum, report) => sum + report.swaps.length, 0)
  const each = (number: number): string => (number / reports.length).toFixed(2)
  console.log(
    `${what}: ${reports.length} served in ${last - first} ms, ${calls} issuer calls, ${count(reports, 'publish')} publishes, ` +
      `${count(reports, 'fetch alone')} alone, ${each(reads)} reads and ${each(swaps)} swaps each`,
  )
}

describe('cold environments, all at once', () => {
  onEach([dynalite, s3StandIn, upstashOverRedis], (stage) => {
    it('cause one issuer call in two hundred processes, and all are served', async () => {
      const { name, issuer, crowd } = await onStage(stage)
      const reports = await (await crowd()).go()
      tell(name, reports, issuer.calls())
      expect(reports.map(({ got }) => got)).toEqual(Array(MANY).fill(reports[0]?.got))
      expect(reports.filter(({ tier }) => tier === 'source')).toHaveLength(1)
      expect(issuer.calls()).toBe(1)
      expect(flaws(reports)).toEqual([])
    }, 180_000)

    it('cause no more issuer calls than publishes while 15 % of all answers are lost', async () => {
      const { name, proxy, issuer, crowd } = await onStage(stage)
      const ready = await crowd()
      let drawn = 0
      // Spread evenly, without luck: 3 of 20 requests.
      proxy.rules.push(() => ((drawn++ * 7) % 20 < 3 ? { kind: 'reset', when: 'after' } : undefined))
      const reports = await ready.go()
      tell(`${name}, answers lost`, reports, issuer.calls())
      expect(reports).toHaveLength(MANY)
      expect(reports.filter(({ tier }) => tier === 'none')).toEqual([])
      expect(proxy.counts().injected['reset after']).toBeGreaterThan(MANY / 10)
      // Who could not reach the store at all goes alone; nobody else asks without publishing.
      expect(issuer.calls()).toBeLessThanOrEqual(count(reports, 'publish') + count(reports, 'fetch alone'))
      expect(count(reports, 'publish')).toBe(1)
      expect(flaws(reports)).toEqual([])
    }, 180_000)

    it('are served by one more issuer call when the holder is killed while the issuer hangs', async () => {
      const { name, issuer, fleet } = await onStage(stage)
      issuer.take(Number.POSITIVE_INFINITY)
      const holder = await fleet(1)
      const others = await fleet(8, { timeout: 30_000 })
      const held = holder.go()
      await issuer.called(1)
      issuer.take(50)
      const waiting = others.go()
      holder.kill(0)
      const killedAt = Date.now()
      expect(await held).toEqual([])
      const reports = await waiting
      tell(`${name}, holder killed`, reports, issuer.calls())
      expect(reports.filter(({ tier }) => tier === 'none')).toEqual([])
      expect(new Set(reports.map(({ got }) => got)).size).toBe(1)
      expect(issuer.calls()).toBe(2)
      expect(count(reports, 'acquire')).toBe(1)
      expect(Math.max(...reports.map(({ endedAt }) => endedAt)) - killedAt).toBeLessThanOrEqual(
        LEASE + AFTER_LEASE + BUSY,
      )
    }, 60_000)
  })

  onEach([upstashOverRedis], (stage) => {
    it('hold the token in 20 processes soon after an issuer of 50 ms has answered', async () => {
      const { name, issuer, fleet } = await onStage(stage)
      const took: number[] = []
      for (let n = 1; n <= 3; n += 1) {
        const reports = await (await fleet(20, { app: crypto.randomUUID(), url: stage().running.url ?? '' })).go()
        tell(`${name}, 20 × 1`, reports, issuer.calls())
        expect(issuer.calls()).toBe(n)
        took.push(Math.max(...reports.map((r) => r.endedAt)) - Math.min(...reports.map((r) => r.startedAt)))
      }
      console.log(`all 20 hold the token after ${took.join(', ')} ms`)
    }, 60_000)
  })
})
