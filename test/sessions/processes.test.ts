import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type FaultProxy, startDynamoDB, startFaultProxy } from '@warmtoken/local'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Order } from './process.test-process.ts'

const PROGRAM = fileURLToPath(new URL('./process.test-process.ts', import.meta.url))
const PROCESSES = 6

interface Environment {
  readonly child: ChildProcess
  ask(order: Partial<Order> & Pick<Order, 'act' | 'user'>): Promise<readonly string[]>
}

let database: Awaited<ReturnType<typeof startDynamoDB>>
let proxy: FaultProxy
let fleet: readonly Environment[] = []
beforeAll(async () => {
  database = await startDynamoDB({ tables: ['sessions'] })
  proxy = await startFaultProxy({ target: database.url })
  fleet = Array.from({ length: PROCESSES }, () => start(proxy.url))
})
afterAll(async () => {
  for (const { child } of fleet) child.kill('SIGKILL')
  await proxy?.close()
  await database?.close()
})

function start(url: string): Environment {
  const env = {
    AWS_ENDPOINT_URL_DYNAMODB: url,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local-secret',
  }
  const child = spawn(process.execPath, ['--conditions=source', PROGRAM], { env, stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    child,
    async ask(order) {
      child.stdin.write(`${JSON.stringify({ tokens: [], times: 1, ...order })}\n`)
      const { value, done } = await lines.next()
      if (done === true) throw new Error('a process has ended')
      return JSON.parse(value) as readonly string[]
    },
  }
}

/** 3 of 20 answers are lost, spread evenly. */
function loseAnswers(): void {
  let drawn = 0
  proxy.rules.push(() => ((drawn++ * 7) % 20 < 3 ? { kind: 'reset', when: 'after' } : undefined))
}

describe('processes on one table, while 15 % of all answers are lost', () => {
  it('keep every parallel sign-in of one user, and each process accepts all of them', {
    timeout: 120_000,
  }, async () => {
    const user = crypto.randomUUID()
    loseAnswers()
    const given = (await Promise.all(fleet.map(({ ask }) => ask({ act: 'create', user, times: 5 })))).flat()
    proxy.rules.length = 0
    expect(new Set(given).size).toBe(PROCESSES * 5)
    for (const { ask } of fleet) expect(await ask({ act: 'verify', user, tokens: given })).toEqual(given)
  })

  it('bring no revoked session back by renewals and rotations', { timeout: 180_000 }, async () => {
    const [first, revoker, ...others] = fleet
    for (let round = 0; round < 3; round += 1) {
      const user = crypto.randomUUID()
      const tokens = (await first?.ask({ act: 'create', user, times: 6 })) ?? []
      loseAnswers()
      const before = proxy.counts().injected['reset after'] ?? 0
      const working = others.map(({ ask }, n) =>
        ask(n % 2 === 0 ? { act: 'use', user, tokens, times: 3 } : { act: 'rotate', user, tokens }),
      )
      await revoker?.ask({ act: 'revokeAll', user })
      const rotated = (await Promise.all(working)).flat()
      expect((proxy.counts().injected['reset after'] ?? 0) - before).toBeGreaterThan(0)
      proxy.rules.length = 0
      for (const { ask } of fleet)
        expect(await ask({ act: 'verify', user, tokens: [...tokens, ...rotated] })).toEqual([])
    }
  })
})
