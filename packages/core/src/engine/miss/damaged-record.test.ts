import { describe, expect, it } from 'vitest'
import type { Source, Store, TokenValue } from '../../contracts.ts'
import type { WarmEvent } from '../../events.ts'
import { shiftedRuntime } from '../../lib/shifted-runtime.test-data.ts'
import { MAX_LEASE } from '../../record/plausible.ts'
import { custom } from '../../sources/custom.ts'
import { memoryStore } from '../../stores/memory.ts'
import { createTokens, type TokensOptions } from '../../tokens/tokens.ts'

const HOUR = 3_600_000
const HOW = { signal: new AbortController().signal, consistent: true }

/** A source whose refresh tokens rotate: it spends its seed, then each token that it was given. */
function rotating() {
  const spent: unknown[] = []
  const source: Source<TokenValue> = {
    kind: 'rotating',
    identity: () => 'app',
    exclusive: { afterCrash: 'repeat', spends: (previous) => String(previous?.chain ?? 'seed') },
    fetch: async ({ spends }) => {
      spent.push(spends)
      const chain = `refresh-${spent.length}`
      return { value: { value: `access-${spent.length}`, type: 'Bearer', chain }, lifetime: HOUR }
    },
  }
  return { source, spent }
}

function stage() {
  const { runtime, advance } = shiftedRuntime()
  const store = memoryStore({ wall: runtime.wall })
  const environment = (source: Source<TokenValue>, options: TokensOptions = {}) =>
    createTokens({ directory: false, store, runtime, ...options }).use(source)
  /** Puts a text in place of the record, made from the one that is there. */
  const spoil = async (key: string, change: (body: string) => string): Promise<string> => {
    const { image } = await store.read(key, HOW)
    const body = change(image?.body ?? '')
    await store.swap(key, { expected: image, body, tag: `planted ${body.length}`, keepUntil: 0 }, HOW)
    return body
  }
  const bodyOf = async (key: string) => (await store.read(key, HOW)).image?.body
  return { runtime, advance, store, environment, spoil, bodyOf }
}

function withFields(fields: object) {
  return (body: string) => JSON.stringify({ ...JSON.parse(body), ...fields })
}

describe('a record that an exclusive source cannot continue from', () => {
  it.each<[string, (body: string) => string, string, string]>([
    ['is not JSON', () => 'garbage', 'not JSON', 'restore the record'],
    ['is of a later schema', withFields({ schema: 2 }), 'another schema', 'deploy the release that wrote it'],
    ['has lost its value', withFields({ value: { sealed: 1 } }), 'damaged value', 'restore the record'],
    ['has lost its intent', withFields({ intent: 'x' }), 'damaged intent', 'restore the record'],
  ])('stops its key alone, spends and overwrites nothing when it %s', async (_what, change, reason, remedy) => {
    const { environment, spoil, bodyOf, advance } = stage()
    const { source, spent } = rotating()
    const { key } = environment(source)
    await environment(source).get()
    const body = await spoil(key, change)
    advance(HOUR + 1_000)
    const broken = environment(source)
    for (let call = 0; call < 2; call += 1) {
      const error = await broken.get().catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: 'STORE_UNREADABLE', retryable: false, key })
      expect(String(error)).toContain(reason)
      expect(String(error)).toContain(remedy)
    }
    expect(spent).toEqual(['seed'])
    expect(await bodyOf(key)).toBe(body)
    const other = broken.tokens.use(custom({ identity: 'other', fetch: async () => ({ value: 'x', lifetime: HOUR }) }))
    expect((await other.get()).tier).toBe('source')
  })

  it('goes on when the record was restored', async () => {
    const { environment, spoil, advance } = stage()
    const { source, spent } = rotating()
    const handle = environment(source)
    await handle.get()
    let good = ''
    await spoil(handle.key, (body) => {
      good = body
      return '{}'
    })
    advance(HOUR + 1_000)
    await expect(handle.get()).rejects.toMatchObject({ code: 'STORE_UNREADABLE' })
    await spoil(handle.key, () => good)
    expect((await handle.get()).value).toBe('access-2')
    expect(spent).toEqual(['seed', 'refresh-1'])
  })

  it.each(['epoch', 'rejected', 'keepUntil', 'lease', 'failure', 'budget', 'refreshes'])(
    'does not exist because "%s" is damaged: the chain goes on',
    async (part) => {
      const { environment, spoil, advance } = stage()
      const { source, spent } = rotating()
      const { key } = environment(source)
      await environment(source).get()
      await spoil(key, withFields({ [part]: 'x' }))
      advance(HOUR + 1_000)
      expect((await environment(source).get()).value).toBe('access-2')
      expect(spent).toEqual(['seed', 'refresh-1'])
    },
  )

  it.each(['version', 'publisher', 'fingerprint', 'issuedAt', 'softExpiry', 'hardExpiry'])(
    'does not exist because "%s" of the value is damaged: the chain goes on',
    async (field) => {
      const { environment, spoil } = stage()
      const { source, spent } = rotating()
      const { key } = environment(source)
      await environment(source).get()
      await spoil(key, (body) => withFields({ value: { ...JSON.parse(body).value, [field]: {} } })(body))
      expect((await environment(source).get()).value).toBe('access-2')
      expect(spent).toEqual(['seed', 'refresh-1'])
    },
  )
})

describe('a store that reports a conflict and shows the expected record', () => {
  it('gets few writes, and the call ends in a typed error that concerns that key alone', async () => {
    const { store, environment } = stage()
    let writes = 0
    const events: WarmEvent[] = []
    const source = custom({ identity: 'app', fetch: async () => ({ value: 'x', lifetime: HOUR }) })
    const { key } = environment(source)
    const stuck: Store = {
      ...store,
      async swap(one, swap, how) {
        if (one !== key) return store.swap(one, swap, how)
        writes += 1
        return { outcome: 'conflict', seen: await store.read(one, HOW) }
      },
    }
    const handle = environment(source, { store: stuck, onEvent: (event) => events.push(event) })
    await expect(handle.get()).rejects.toMatchObject({ code: 'STORE_CONFLICT', key, retryable: true })
    expect(writes).toBeLessThanOrEqual(5)
    const other = handle.tokens.use(custom({ identity: 'other', fetch: async () => ({ value: 'y', lifetime: HOUR }) }))
    expect((await other.get()).value).toBe('y')
    expect(events).toContainEqual(expect.objectContaining({ type: 'publish', key: other.key }))
  })
})

describe('a lease of a source that may take an hour', () => {
  it('is no longer than other environments believe', async () => {
    const { store, environment } = stage()
    const lengths: number[] = []
    const watched: Store = {
      ...store,
      swap(key, swap, how) {
        const { lease } = JSON.parse(swap.body) as { lease?: { length: number } }
        if (lease !== undefined) lengths.push(lease.length)
        return store.swap(key, swap, how)
      },
    }
    const source = custom({ identity: 'slow', fetch: async () => ({ value: 'x', lifetime: HOUR }) })
    const slow = { store: watched, sourceTimeout: HOUR, timeout: 2 * HOUR }
    await environment(source, slow).get()
    expect(lengths).toEqual([MAX_LEASE])
  })
})
