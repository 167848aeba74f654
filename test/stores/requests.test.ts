import { setTimeout as sleep } from 'node:timers/promises'
import { createTokens } from '@warmtoken/core'
import { custom } from '@warmtoken/core/custom'
import { describe, expect, it } from 'vitest'
import { dynalite, dynoxide } from './backends/dynamodb.ts'
import { s3StandIn } from './backends/s3.ts'
import { upstashOverMemory, upstashOverRedis } from './backends/upstash.ts'
import { onEach, type Stage } from './each-backend.ts'

const HOUR = 3_600_000

/** A cold environment on the proxied backend. */
function environment({ proxy, running }: Stage, app: string, lifetime = HOUR) {
  const source = custom({ identity: { app }, fetch: async () => ({ value: crypto.randomUUID(), lifetime }) })
  return createTokens({ store: running.connect(proxy.url), directory: false }).use(source)
}

/** A cold environment with so many tokens. */
function manyTokens({ proxy, running }: Stage, app: string, count: number) {
  const tokens = createTokens({ store: running.connect(proxy.url), directory: false })
  const source = (n: number) =>
    custom({ identity: { app, n }, fetch: async () => ({ value: `${app}-${n}`, lifetime: HOUR }) })
  const handles = Object.fromEntries(Array.from({ length: count }, (_, n) => [`of${n}`, tokens.use(source(n))]))
  return { tokens, handles }
}

/** The requests at the proxy while `act` runs, each as what it is for the backend. */
async function requestsOf({ proxy }: Stage, act: () => Promise<unknown>): Promise<readonly string[]> {
  const seen: string[] = []
  proxy.rules.push(({ method, headers, body }) => {
    const target = headers.find(([name]) => name.toLowerCase() === 'x-amz-target')?.[1]
    const command = method === 'POST' && target === undefined ? (JSON.parse(body.toString()) as unknown[]) : undefined
    // A script that reads has no arguments after its keys.
    const script =
      command?.[0] === 'evalsha' ? (command.length > 3 + Number(command[2]) ? 'write' : 'read') : command?.[0]
    seen.push(String(script ?? target?.split('.')[1] ?? method))
    return undefined
  })
  await act()
  proxy.rules.length = 0
  return seen.map((name) => ({ GetItem: 'read', GET: 'read', UpdateItem: 'write', PUT: 'write' })[name] ?? name)
}

describe('requests to the store', () => {
  onEach([dynalite, dynoxide, s3StandIn, upstashOverMemory, upstashOverRedis], (stage) => {
    it('are one read for a cold start with a good record', async () => {
      const app = crypto.randomUUID()
      await environment(stage(), app).get()
      expect(await requestsOf(stage(), () => environment(stage(), app).get())).toEqual(['read'])
    })

    it('are one read and two writes for a lone refresh', async () => {
      const app = crypto.randomUUID()
      // A clock that counts whole seconds cannot tell a shorter life from none.
      const lifetime = 3_000
      const first = await environment(stage(), app, lifetime).get()
      await sleep(lifetime + 1_000)
      const second = environment(stage(), app)
      expect(await requestsOf(stage(), () => second.get())).toEqual(['read', 'write', 'write'])
      expect(second.peek()?.fingerprint).not.toBe(first.fingerprint)
    })

    it('are one read and two writes for a token that the API refused', async () => {
      const app = crypto.randomUUID()
      await environment(stage(), app).get()
      const other = environment(stage(), app)
      const refused = await other.get()
      expect(await requestsOf(stage(), () => other.reject(refused))).toEqual(['read', 'write', 'write'])
    })

    it('are one read for a cold prewarm of twenty tokens with good records, where many can be read at once', async () => {
      const app = crypto.randomUUID()
      const before = manyTokens(stage(), app, 20)
      await before.tokens.prewarm(before.handles)
      const { tokens, handles } = manyTokens(stage(), app, 20)
      let tiers: readonly unknown[] = []
      const requests = await requestsOf(stage(), async () => {
        const warm = await tokens.prewarm(handles)
        tiers = Object.values(warm).map((token) => (token instanceof Error ? token : token.tier))
      })
      expect(tiers).toEqual(Array(20).fill('store'))
      const { name } = stage().running.connect(stage().proxy.url)
      expect(requests).toEqual(name === 's3' ? Array(20).fill('read') : [name === 'dynamodb' ? 'BatchGetItem' : 'read'])
    })

    it('are none while memory has the token', async () => {
      const handle = environment(stage(), crypto.randomUUID())
      await handle.get()
      expect(await requestsOf(stage(), () => handle.get())).toEqual([])
    })
  })
  onEach([dynalite], (stage) => {
    it('are reads one by one, after one refusal, for a prewarm by a role that lacks BatchGetItem', async () => {
      const app = crypto.randomUUID()
      const before = manyTokens(stage(), app, 3)
      await before.tokens.prewarm(before.handles)
      const { proxy, running } = stage()
      const { tokens, handles } = manyTokens(stage(), app, 3)
      const isBatch = ([name, value]: readonly [string, string]): boolean =>
        name.toLowerCase() === 'x-amz-target' && value.endsWith('BatchGetItem')
      const requests = await requestsOf(stage(), async () => {
        proxy.rules.push(({ headers }) => (headers.some(isBatch) ? running.answers.denied : undefined))
        const warm = await tokens.prewarm(handles)
        expect(Object.values(warm).filter((token) => token instanceof Error)).toEqual([])
      })
      expect(requests).toEqual(['BatchGetItem', 'read', 'read', 'read'])
    })
  })
})
