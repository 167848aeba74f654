import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { live as openLive } from '@warmtoken/client'
import { bridge } from '@warmtoken/client/bridge'
import { createTokens, type Store } from '@warmtoken/core'
import { createCache } from '@warmtoken/core/data'
import { createLive, type LiveEvent } from '@warmtoken/core/live'
import { memoryStore } from '@warmtoken/core/memory'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { customSource } from './sources.ts'
import { startStage } from './stage.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

const HOUR = 3_600_000
const DOWN = Object.assign(new Error('down'), { code: 'STORE_UNAVAILABLE', retryable: true })

/** A fleet over one store whose reads are counted and can fail, and the events that its writes announce. */
function fleet() {
  const table = memoryStore()
  const events: LiveEvent[] = []
  const live = createLive({ publisher: { name: 'noting', publish: async (some) => void events.push(...some) } })
  let reads = 0
  let isDown = false
  const counting: Store = {
    ...table,
    read(...call) {
      reads += 1
      return isDown ? Promise.reject(DOWN) : table.read(...call)
    },
  }
  const source = customSource()
  const enter = (directory: string | false = false) =>
    createTokens({ store: live.store(counting), directory }).use(source)
  return {
    enter,
    live,
    counting,
    events: async () => {
      await live.settle()
      return events
    },
    last: async () => {
      await live.settle()
      return events.at(-1) ?? expect.unreachable()
    },
    reads: () => reads,
    down: (is: boolean) => {
      isDown = is
    },
  }
}

describe('a token in memory', () => {
  it('is replaced when the store has a newer one, by one read, and the callers wait for nothing', async () => {
    const { enter, last, reads } = fleet()
    const [holder, other] = [enter(), enter()]
    await holder.get()
    const old = holder.peek()
    await other.reject(await other.get())
    const event = await last()
    expect(event.kind).toBe('publish')
    expect(holder.peek()).toBe(old)
    const before = reads()
    const catching = holder.catchUp(event)
    expect(holder.peek()).toBe(old)
    await catching
    expect(holder.peek()?.value).toBe('secret-token-2')
    expect(reads()).toBe(before + 1)
    // It has that one now.
    await holder.catchUp(event)
    await holder.catchUp({ kind: 'gap', version: event.version - 1 })
    expect(reads()).toBe(before + 1)
  })

  it('stays usable when the store fails, and the next get looks again', async () => {
    const { enter, last, down } = fleet()
    const [holder, other] = [enter(), enter()]
    await holder.get()
    await other.reject(await other.get())
    down(true)
    await holder.catchUp(await last())
    expect(holder.peek()).toBeUndefined()
    expect((await holder.get()).value).toBe('secret-token-1')
    down(false)
    await holder.catchUp(await last())
    expect(holder.peek()?.value).toBe('secret-token-2')
  })

  it('is forgotten when an API refused it elsewhere, and one that is newer is not', async () => {
    const { enter, events } = fleet()
    const [holder, other] = [enter(), enter()]
    await holder.get()
    await other.reject(await other.get())
    const refusal = (await events()).find(({ kind }) => kind === 'reject') ?? expect.unreachable()
    await holder.catchUp(refusal)
    expect(holder.peek()).toBeUndefined()
    expect((await holder.get()).value).toBe('secret-token-2')
    await holder.catchUp(refusal)
    expect(holder.peek()?.value).toBe('secret-token-2')
  })

  it('is read at most once more for all that is heard while it is being read', async () => {
    const { enter, last, reads } = fleet()
    const [holder, other] = [enter(), enter()]
    await holder.get()
    await other.reject(await other.get())
    const event = await last()
    const before = reads()
    await Promise.all(Array.from({ length: 100 }, (_, n) => holder.catchUp({ ...event, version: event.version + n })))
    expect(holder.peek()?.value).toBe('secret-token-2')
    expect(reads() - before).toBeLessThanOrEqual(2)
  })

  it('that nobody has asked for is not read', async () => {
    const { enter, last, reads } = fleet()
    const [holder, other] = [enter(), enter()]
    await other.get()
    const before = reads()
    await holder.catchUp(await last())
    expect(reads()).toBe(before)
  })

  it('is replaced in the file too', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'warmtoken-test-'))
    ends.push(() => rmSync(folder, { recursive: true, force: true }))
    const { enter, last, reads } = fleet()
    const holder = enter(folder)
    const other = enter()
    await holder.get()
    await other.reject(await other.get())
    await holder.catchUp(await last())
    const before = reads()
    // A new process of the same environment.
    expect((await enter(folder).get()).value).toBe('secret-token-2')
    expect(reads()).toBe(before)
  })
})

describe('a cache in memory', () => {
  function caches() {
    const { counting, live, last } = fleet()
    const truth = new Map([[7, 'old']])
    const open = () => {
      const shop = createCache({ name: 'shop', store: live.store(counting), recheck: HOUR })
      const products = shop.use({
        key: 'product:{id}',
        fresh: HOUR,
        load: async ({ id }) => truth.get(Number(id)) ?? '',
        tags: () => ['team:7'],
      })
      return { shop, products }
    }
    return { holder: open(), other: open(), last, truth }
  }

  it.each([
    ['a tag', { tags: ['team:7'] }, 'tag:team:7'],
    ['a pattern', { match: '*:7' }, undefined],
    ['everything', { everything: true }, undefined],
  ] as const)('obeys the invalidation of %s as soon as its event arrives', async (_what, target, topic) => {
    const { holder, other, last, truth } = caches()
    expect(await holder.products.get({ id: 7 })).toBe('old')
    truth.set(7, 'new')
    await other.shop.invalidate(target)
    expect(holder.products.peek({ id: 7 })).toBe('old')
    const event = await last()
    expect(event.topic).toBe(topic ?? holder.shop.topic)
    await holder.shop.catchUp(event)
    expect(holder.products.peek({ id: 7 })).toBeUndefined()
    expect(await holder.products.get({ id: 7 })).toBe('new')
  })

  it('looks again for a value that another environment has set', async () => {
    const { holder, other, last } = caches()
    expect(await holder.products.get({ id: 7 })).toBe('old')
    await other.products.set({ id: 7 }, 'set')
    const event = await last()
    expect(event.topic).toBe(holder.products.topicOf({ id: 7 }))
    await holder.shop.catchUp(event)
    expect(await holder.products.get({ id: 7 })).toBe('set')
    // What it has is not older.
    await holder.shop.catchUp(event)
    expect(holder.products.peek({ id: 7 })).toBe('set')
  })

  it('ignores events of other caches, and of values that it does not hold', async () => {
    const { holder, last } = caches()
    await holder.products.get({ id: 7 })
    const { version } = await last()
    await holder.shop.catchUp({ topic: 'root:of-another', kind: 'invalidate', version: version + 1 })
    await holder.shop.catchUp({ topic: 'key:of-another', kind: 'publish', version: version + 1 })
    await holder.shop.catchUp({ topic: 'user:ann', kind: 'session-ended', version: version + 1 })
    expect(holder.products.peek({ id: 7 })).toBe('old')
  })
})

describe('a bridge', () => {
  it('keeps the memory of a process that lives long up to date, over a real socket', async () => {
    const made = await startStage({ mayRead: () => true })
    ends.push(() => made.gateway.close())
    const { session } = await made.sessions.create('worker')
    const client = openLive({ ws: made.gateway.ws, ticket: () => made.tickets.issue(session), pause: 5 })
    ends.push(() => client.close())
    const source = customSource()
    const enter = () => createTokens({ store: made.store, directory: false }).use(source)
    const [holder, other] = [enter(), enter()]
    await holder.get()
    let failed = 0
    const failing = async () => {
      failed += 1
      throw DOWN
    }
    // A rejection that nobody handles would fail this run.
    bridge(client, { key: holder.key, catchUp: failing })
    const end = bridge(client, holder)
    await other.reject(await other.get())
    await made.live.settle()
    await vi.waitFor(() => expect(holder.peek()?.value).toBe('secret-token-2'), { timeout: 30_000, interval: 5 })
    expect(failed).toBeGreaterThan(0)
    end()
    expect(() => bridge(client, { catchUp: () => {} })).toThrow('give the topics')
  })
})
