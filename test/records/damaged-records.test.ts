import { readFileSync } from 'node:fs'
import { type AttributeValue, PutItemCommand } from '@aws-sdk/client-dynamodb'
import type { Source, TokenValue } from '@warmtoken/core'
import { createTokens, type Store, type WarmEvent } from '@warmtoken/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Backend, Running } from '../stores/backends/backend.ts'
import { dynalite, dynoxide, leanDynalite, leanDynoxide, localDynamoDB, TABLE } from '../stores/backends/dynamodb.ts'
import { fronted, memory } from '../stores/backends/in-process.ts'
import { redisByOwned } from '../stores/backends/redis.ts'
import { s3StandIn } from '../stores/backends/s3.ts'
import { upstashOverMemory, upstashOverRedis } from '../stores/backends/upstash.ts'
import { type ExclusiveOutcome, type Fields, KINDS, type Kind, type SharedOutcome } from './kinds.ts'
import { drawKindsPage } from './page.ts'

const HOUR = 3_600_000
/** What a call may take, in ms. */
const TIMEOUT = 3_000
/** The time of a call that meets a lease of someone else. */
const SHORT = 700
/** A machine that does other things as well may add this much. */
const MARGIN = 5_000
const MOST_WRITES = 5
const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}]/u

const STORES: readonly Backend[] = [
  memory,
  fronted,
  dynalite,
  leanDynalite,
  dynoxide,
  leanDynoxide,
  s3StandIn,
  upstashOverMemory,
  upstashOverRedis,
  redisByOwned('ioredis'),
]

/** A source of a family that counts what it is asked, and its rotating twin. */
function sourceOf(app: string, exclusive: boolean) {
  const spent: string[] = []
  const source: Source<TokenValue> = {
    kind: 'damaged',
    identity: () => app,
    traits: { mintBudget: 100 },
    fetch: async ({ spends }) => {
      spent.push(spends ?? 'a fetch')
      const number = spent.length
      return { value: { value: `token-${number}`, type: 'Bearer', chain: `refresh-${number}` }, lifetime: 24 * HOUR }
    },
    ...(exclusive && {
      exclusive: { afterCrash: 'retry-once', spends: (previous) => String(previous?.chain ?? 'seed') },
    }),
  }
  return { source, spent }
}

/** One store for each backend: what is tested is not the connection. */
const stores = new WeakMap<Running, Store>()

function storeOf(running: Running): Store {
  const store = stores.get(running) ?? running.connect(running.url ?? '')
  stores.set(running, store)
  return store
}

/** An environment that has nothing but the store, with its events and the number of its writes. */
function environment(running: Running, source: Source<TokenValue>) {
  const events: WarmEvent[] = []
  const store = storeOf(running)
  const counted = { writes: 0 }
  const counting: Store = {
    ...store,
    swap(...call) {
      counted.writes += 1
      return store.swap(...call)
    },
  }
  const onEvent = (event: WarmEvent) => events.push(event)
  const handle = createTokens({ store: counting, directory: false, onEvent }).use(source)
  return { store, handle, events, counted }
}

function how() {
  return { signal: AbortSignal.timeout(10_000), consistent: true }
}

/** Puts the kind in place of a good record. */
async function plant(store: Store, key: string, kind: Kind): Promise<string> {
  const { image, time } = await store.read(key, how())
  const body = kind.plant(JSON.parse(image?.body ?? '{}') as Fields, time?.at ?? Date.now())
  const swap = { expected: image, body, tag: crypto.randomUUID(), keepUntil: Date.now() + HOUR }
  expect((await store.swap(key, swap, how())).outcome).toBe('swapped')
  return body
}

/** What is there under a key, in place of a record. */
async function bodyIn(store: Store, key: string): Promise<string | undefined> {
  return (await store.read(key, how())).image?.body
}

/** What a call of a new environment makes of what `damage` leaves in place of a good record. */
async function outcomeOf(
  running: Running,
  { exclusive, timeout = TIMEOUT }: { readonly exclusive: boolean; readonly timeout?: number | undefined },
  damage: (store: Store, key: string) => Promise<unknown>,
): Promise<SharedOutcome | ExclusiveOutcome> {
  const { source, spent } = sourceOf(crypto.randomUUID(), exclusive)
  const first = environment(running, source)
  await first.handle.get()
  const { key } = first.handle
  await damage(first.store, key)
  const planted = await bodyIn(first.store, key)

  const second = environment(running, source)
  const before = performance.now()
  const got = await second.handle.get({ timeout }).catch((error: unknown) => error as Error & { code?: string })
  expect(performance.now() - before).toBeLessThan(timeout + MARGIN)
  expect(second.counted.writes).toBeLessThanOrEqual(MOST_WRITES)
  const shown = [got instanceof Error ? got.message : '', ...second.events.map((event) => Object.values(event).join())]
  for (const text of shown) expect(text).not.toMatch(CONTROL)

  if (got instanceof Error) {
    expect(spent).toHaveLength(1)
    if (got.code === 'TIMEOUT') return 'waits'
    if (got.code?.startsWith('X') === true) return 'cools down'
    expect(await bodyIn(first.store, key)).toBe(planted)
    if (got.code === 'CODEC_FAILED') return 'cannot open'
    expect(got.code).toBe('STORE_UNREADABLE')
    expect(got.message).toContain(key)
    // The store and its other keys go on.
    const other = second.handle.tokens.use(sourceOf(crypto.randomUUID(), exclusive).source)
    expect((await other.get()).tier).toBe('source')
    return 'stops'
  }
  if (got.tier === 'store') {
    expect(spent).toHaveLength(1)
    return 'served'
  }
  expect(spent).toEqual(exclusive ? ['seed', 'refresh-1'] : ['a fetch', 'a fetch'])
  // Repaired: the next environment reads it, and nothing is reported.
  const third = environment(running, source)
  expect((await third.handle.get()).tier).toBe('store')
  expect(third.events.map(({ type }) => type).filter((type) => type !== 'plaintext')).toEqual(['hit'])
  return exclusive ? 'continues' : 'fetched'
}

/** Starts a backend for the tests of a block. */
function started(backend: Backend): () => Running {
  let running: Running | undefined
  beforeAll(async () => {
    running = await backend.start()
  })
  afterAll(() => running?.close())
  return () => {
    if (running === undefined) throw new Error(`${backend.name} did not start`)
    return running
  }
}

describe.each(STORES)('a planted or damaged record in $name', (backend) => {
  const running = started(backend)

  it.each(KINDS)('has its outcome: $name', async (kind) => {
    const outcome = (exclusive: boolean) => {
      const timeout = (exclusive ? kind.exclusive : kind.shared) === 'waits' ? SHORT : undefined
      return outcomeOf(running(), { exclusive, timeout }, (store, key) => plant(store, key, kind))
    }
    const [shared, exclusive] = [await outcome(false), await outcome(true)]
    expect({ shared, exclusive }).toEqual({ shared: kind.shared, exclusive: kind.exclusive })
  })
})

describe.each(STORES.filter((store) => store !== memory && store !== fronted))('an item in $name', (backend) => {
  const running = started(backend)

  it('that another program wrote, without a tag, has its outcome', async () => {
    const damage = async (_store: Store, key: string) => running().plant?.(key)
    expect(await outcomeOf(running(), { exclusive: false }, damage)).toBe('fetched')
    expect(await outcomeOf(running(), { exclusive: true }, damage)).toBe('stops')
  })
})

describe.each([dynalite, leanDynalite, dynoxide, leanDynoxide])('an item in $name', (backend) => {
  const running = started(backend)

  it.each<[string, AttributeValue]>([
    ['a number', { N: '1' }],
    ['an empty text', { S: '' }],
    ['a list', { L: [] }],
    ['null', { NULL: true }],
  ])('whose "tag" is %s is healed with few writes', async (_what, tag) => {
    const client = localDynamoDB(running().url ?? '')
    const put = async (body: AttributeValue, key: string) =>
      client.send(new PutItemCommand({ TableName: TABLE, Item: { pk: { S: key }, body, tag } }))
    for (const body of [{ S: 'garbage' }, { N: '1' }]) {
      const damage = (_store: Store, key: string) => put(body, key)
      expect(await outcomeOf(running(), { exclusive: false }, damage)).toBe('fetched')
      expect(await outcomeOf(running(), { exclusive: true }, damage)).toBe('stops')
    }
    // With a good record beside it, the chain goes on.
    const keep = async (store: Store, key: string) => {
      const good = JSON.parse((await bodyIn(store, key)) ?? '{}') as Fields
      const value = { ...(good['value'] as Fields), softExpiry: 0, hardExpiry: 1 }
      await put({ S: JSON.stringify({ ...good, value }) }, key)
    }
    expect(await outcomeOf(running(), { exclusive: true }, keep)).toBe('continues')
    client.destroy()
  })
})

describe('the page of damaged records', () => {
  it('lists at least 40 kinds and is current; run `pnpm docs:records` if it is not', () => {
    expect(KINDS.length).toBeGreaterThanOrEqual(40)
    expect(readFileSync(new URL('../../docs/damaged-records.md', import.meta.url), 'utf8')).toBe(drawKindsPage())
  })
})
