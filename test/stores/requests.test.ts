import { setTimeout as sleep } from 'node:timers/promises'
import { createTokens } from '@warmtoken/core'
import { custom } from '@warmtoken/core/custom'
import { type CacheEvent, createCache } from '@warmtoken/core/data'
import { describe, expect, it } from 'vitest'
import { dynalite, dynoxide } from './backends/dynamodb.ts'
import { s3StandIn } from './backends/s3.ts'
import { upstashOverMemory, upstashOverRedis } from './backends/upstash.ts'
import { onEach, type Stage } from './each-backend.ts'

const HOUR = 3_600_000
/** Requests are counted here, and a busy machine must not make the engine repeat one. */
const PATIENT = { storeTimeout: 20_000, timeout: 40_000 }

/** A cold environment on the proxied backend. */
function environment({ proxy, running }: Stage, app: string, lifetime = HOUR) {
  const source = custom({ identity: { app }, fetch: async () => ({ value: crypto.randomUUID(), lifetime }) })
  return createTokens({ ...PATIENT, store: running.connect(proxy.url), directory: false }).use(source)
}

/** A cold environment with so many tokens. */
function manyTokens({ proxy, running }: Stage, app: string, count: number) {
  const tokens = createTokens({ ...PATIENT, store: running.connect(proxy.url), directory: false })
  const source = (n: number) =>
    custom({ identity: { app, n }, fetch: async () => ({ value: `${app}-${n}`, lifetime: HOUR }) })
  const handles = Object.fromEntries(Array.from({ length: count }, (_, n) => [`of${n}`, tokens.use(source(n))]))
  return { tokens, handles }
}

/** A cold environment that caches posts, which share a tag. */
function posts({ proxy, running }: Stage, name: string, events: CacheEvent[] = []) {
  const store = running.connect(proxy.url)
  const lists: number[] = []
  const resource = createCache({ ...PATIENT, name, store, onEvent: (event) => void events.push(event) }).use({
    key: 'post:{id}',
    fresh: HOUR,
    tags: () => ['posts'],
    load: async ({ id }) => `post ${id}`,
    loadMany: async (list) => {
      lists.push(list.length)
      return list.map(({ id }) => `post ${id}`)
    },
  })
  return { resource, lists }
}

/** Stores so many posts, few at a time: a local server is slow. */
async function storePosts(stage: Stage, name: string, list: readonly { readonly id: number }[]) {
  const { resource } = posts(stage, name)
  for (let start = 0; start < list.length; start += 25) {
    const part = await resource.getMany(list.slice(start, start + 25))
    expect(part.filter((value) => typeof value !== 'string')).toEqual([])
  }
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

  onEach([dynalite, upstashOverMemory, upstashOverRedis], (stage) => {
    it('are a batch per hundred keys for 500 values that the store has, and one script on Upstash', async () => {
      const name = `n${crypto.randomUUID().slice(0, 8)}`
      const list = Array.from({ length: 500 }, (_, id) => ({ id }))
      await storePosts(stage(), name, list)
      const { resource, lists } = posts(stage(), name)
      let found: readonly unknown[] = []
      const requests = await requestsOf(stage(), async () => {
        found = await resource.getMany(list)
      })
      expect(found).toEqual(list.map(({ id }) => `post ${id}`))
      expect(lists).toEqual([])
      // The root and the tag are two generations.
      const isDynamo = stage().running.connect(stage().proxy.url).name === 'dynamodb'
      expect(requests).toEqual(isDynamo ? Array(6).fill('BatchGetItem') : ['read'])
    })

    it('are a batch per hundred keys where all generations were checked a moment ago', async () => {
      const name = `n${crypto.randomUUID().slice(0, 8)}`
      const list = Array.from({ length: 500 }, (_, id) => ({ id }))
      await storePosts(stage(), name, list)
      const { resource } = posts(stage(), name)
      await resource.get({ id: 500 })
      const requests = await requestsOf(stage(), () => resource.getMany(list))
      const isDynamo = stage().running.connect(stage().proxy.url).name === 'dynamodb'
      expect(requests).toEqual(isDynamo ? Array(5).fill('BatchGetItem') : ['read'])
    })
  })
  onEach([s3StandIn], (stage) => {
    it('are one read for each key, and none twice for a generation, for many values on S3', async () => {
      const name = `n${crypto.randomUUID().slice(0, 8)}`
      const list = Array.from({ length: 40 }, (_, id) => ({ id }))
      await storePosts(stage(), name, list)
      const { resource } = posts(stage(), name)
      // The second part of 32 does not read the generations again.
      expect(await requestsOf(stage(), () => resource.getMany(list))).toEqual(Array(42).fill('read'))
    })
  })
  onEach([dynalite], (stage) => {
    it('are single reads where the role lacks BatchGetItem, and one event names the right', async () => {
      const name = `n${crypto.randomUUID().slice(0, 8)}`
      const { proxy, running } = stage()
      const isBatch = ([header, value]: readonly [string, string]): boolean =>
        header.toLowerCase() === 'x-amz-target' && value.endsWith('BatchGetItem')
      const events: CacheEvent[] = []
      const { resource } = posts(stage(), name, events)
      const requests = await requestsOf(stage(), async () => {
        proxy.rules.push(({ headers }) => (headers.some(isBatch) ? running.answers.denied : undefined))
        expect(await resource.getMany([{ id: 1 }, { id: 2 }])).toEqual(['post 1', 'post 2'])
        await resource.get({ id: 3 })
      })
      expect(requests.filter((request) => request === 'BatchGetItem')).toHaveLength(1)
      expect(events.filter(({ type }) => type === 'missing-right')).toEqual([
        { type: 'missing-right', right: 'dynamodb:BatchGetItem' },
      ])
    })
  })
})
