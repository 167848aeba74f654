import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { createCache } from '@warmtoken/core/data'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { dynalite } from '../stores/backends/dynamodb.ts'
import { upstashOverRedis } from '../stores/backends/upstash.ts'
import { onEach } from '../stores/each-backend.ts'
import { makeProgram, type Program } from '../stores/fleet/program.ts'
import { type CrashOrders, FIRST_WRITTEN, LEASE, POLICY, STEPS } from './crash-orders.ts'

let program: Program | undefined
beforeAll(async () => {
  program = await makeProgram(fileURLToPath(new URL('./crash-process.ts', import.meta.url)))
}, 60_000)
afterAll(() => program?.close())

const open: (() => unknown)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

/** Holds the truth of each step: a text that can be read and written. */
async function startTruth() {
  const texts = new Map<string, string>()
  const reads = new Map<string, number>()
  const server = createServer(async (request, response) => {
    const path = request.url ?? ''
    let text = ''
    for await (const piece of request) text += piece
    if (request.method === 'PUT') texts.set(path, text)
    else reads.set(path, (reads.get(path) ?? 0) + 1)
    response.end(texts.get(path) ?? 'old')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  open.push(() => {
    server.closeAllConnections()
    server.close()
  })
  const loads = (step: number): number => reads.get(`/${step}`) ?? 0
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, loads }
}

/** Begins a write for each step in a process of its own, and kills it once each stands still at its step. */
async function killAtEachStep(orders: CrashOrders): Promise<void> {
  const env = { ...process.env, AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local-secret' }
  const child = fork(program?.file ?? '', { execArgv: [], env })
  open.push(() => child.kill('SIGKILL'))
  const reached = new Set<unknown>()
  const all = new Promise<void>((resolve) => {
    child.on('message', (step) => {
      reached.add(step)
      if (reached.size === STEPS.length) resolve()
    })
  })
  child.send(orders)
  await all
  child.kill('SIGKILL')
  await once(child, 'exit')
}

describe('a process that is killed while it writes', () => {
  onEach([dynalite, upstashOverRedis], (stage) => {
    it('leaves no old value beyond its lease and recheck, at whatever step it is killed', async () => {
      const { running } = stage()
      const url = running.url ?? ''
      const truth = await startTruth()
      const name = `crash-${crypto.randomUUID().slice(0, 8)}`
      const environment = () => {
        const patient = { ...POLICY, storeTimeout: 30_000, sourceTimeout: 30_000 }
        const cache = createCache({ ...patient, name, store: running.connect(url) })
        return cache.use({
          key: 'post:{step}',
          fresh: 3_600_000,
          load: async ({ step }, { signal }) => (await fetch(`${truth.url}/${step}`, { signal })).text(),
        })
      }
      const warm = environment()
      const steps = [...STEPS.keys()]
      for (const step of steps) expect(await warm.get({ step })).toBe('old')

      const kind = running.connect(url).name === 'upstash' ? 'upstash' : 'dynamodb'
      await killAtEachStep({ kind, url, truth: truth.url, name })

      // What was kept is seen at once by one that reads the store; what was not announced leaves everything as it was.
      const last = STEPS.length - 1
      expect(await environment().get({ step: last })).toBe('new')
      expect(await environment().get({ step: 0 })).toBe('old')

      await new Promise((resolve) => setTimeout(resolve, LEASE + POLICY.recheck))
      const cold = environment()
      for (const step of steps) {
        const now = step >= FIRST_WRITTEN ? 'new' : 'old'
        expect([STEPS[step], await warm.get({ step }), await cold.get({ step })]).toEqual([STEPS[step], now, now])
      }
      // Loaded again where the writer was killed between announcing and keeping, once for all.
      expect(steps.map((step) => truth.loads(step))).toEqual([1, 2, 2, 2, 2, 1])
    }, 120_000)
  })
})
