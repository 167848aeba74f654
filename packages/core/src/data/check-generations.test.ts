import { describe, expect, it } from 'vitest'
import type { Store } from '../contracts.ts'
import { aesGcm } from '../seal/aes-gcm.ts'
import { memoryStore } from '../stores/memory.ts'
import { createCache } from './cache.ts'
import { checkGenerations } from './check-generations.ts'
import { printGeneration } from './generations.ts'
import { createGenerationKeys } from './home.ts'

const SHOP = { name: 'shop', namespace: 'prod' }
const { rootKey, tagKey } = createGenerationKeys('prod', 'shop')

/** Overwrites what is there. */
async function plant(store: Store, key: string, body: string): Promise<void> {
  const { signal } = new AbortController()
  const { image } = await store.read(key, { signal, consistent: true })
  await store.swap(key, { expected: image, body, tag: `planted ${body.length}`, keepUntil: 9e12 }, { signal })
}

describe('checkGenerations', () => {
  it('finds nothing in a store without records, and in records that a cache wrote', async () => {
    const store = memoryStore()
    expect(await checkGenerations(store, { ...SHOP, tags: ['team:7'] })).toEqual([])
    const cache = createCache({ ...SHOP, store })
    await cache.invalidate({ tags: ['team:7'], match: 'project:*' })
    await cache.control({ readOnly: true })
    expect(await checkGenerations(store, { ...SHOP, tags: ['team:7'] })).toEqual([])
  })

  it.each<[string, string]>([
    ['garbage', 'x'],
    ['the record of another key', printGeneration({ hard: 1, soft: 0 }, 'gen~other')],
    ['a number far above the time of the server', printGeneration({ hard: 9e15, soft: 0 }, tagKey('team:7'))],
  ])('finds %s in the record of a tag, and its remedy repairs it', async (_what, body) => {
    const store = memoryStore()
    await plant(store, tagKey('team:7'), body)
    const options = { ...SHOP, tags: ['team:7', 'team:8', 'team:7'] }
    expect(await checkGenerations(store, options)).toEqual([
      {
        kind: 'damaged-tag',
        tag: 'team:7',
        key: tagKey('team:7'),
        remedy: 'call cache.invalidate({ tags: ["team:7"] }), which writes the record again',
      },
    ])
    await createCache({ ...SHOP, store }).invalidate({ tags: ['team:7'] })
    expect(await checkGenerations(store, options)).toEqual([])
  })

  it('finds garbage in the root record, and its remedy repairs it', async () => {
    const store = memoryStore()
    await plant(store, rootKey, printGeneration({ hard: 1, soft: 0 }, rootKey))
    expect(await checkGenerations(store, SHOP)).toMatchObject([{ kind: 'damaged-root', key: rootKey }])
    await createCache({ ...SHOP, store }).invalidate({ everything: true })
    expect(await checkGenerations(store, SHOP)).toEqual([])
  })

  it.each([undefined, aesGcm({ ring: { current: 'k1', keys: { k1: new Uint8Array(32).fill(7) } } })])(
    'finds a record that the store lost, by a value that rests on a higher number',
    async (codec) => {
      const store = memoryStore()
      const sealing = codec === undefined ? {} : { codec }
      const cache = createCache({ ...SHOP, store, ...sealing, onEvent: () => {} })
      const project = cache.use({ key: 'project:{id}', fresh: 60_000, tags: () => ['team:7'], load: () => 'x' })
      await cache.invalidate({ tags: ['team:7'] })
      await cache.invalidate({ everything: true })
      await project.get({ id: 1 })
      const value = project.topicOf({ id: 1 }).slice('key:'.length)
      const options = { ...SHOP, ...sealing, values: [value, 'project:absent~0'] }
      expect(await checkGenerations(store, options)).toEqual([])
      await plant(store, tagKey('team:7'), printGeneration({ hard: 1, soft: 0 }, tagKey('team:7')))
      expect(await checkGenerations(store, options)).toMatchObject([
        {
          kind: 'lost',
          tag: 'team:7',
          key: tagKey('team:7'),
          value,
          remedy: expect.stringContaining('tags: ["team:7"]'),
        },
      ])
      // The root record is gone.
      const withoutRoot: Store = {
        name: 'forgetful',
        swap: store.swap,
        read: (key, how) =>
          key === rootKey ? Promise.resolve({ image: undefined, time: undefined }) : store.read(key, how),
      }
      const kinds = (await checkGenerations(withoutRoot, options)).map((one) => ('tag' in one ? one.tag : one.kind))
      expect(kinds).toEqual(['', 'team:7'])
      await cache.invalidate({ tags: ['team:7'] })
      expect(await checkGenerations(store, options)).toEqual([])
    },
  )

  it('says which values it cannot open', async () => {
    const store = memoryStore()
    await plant(store, 'project:1~0', 'garbage')
    expect(await checkGenerations(store, { ...SHOP, values: ['project:1~0'] })).toMatchObject([
      { kind: 'unreadable-value', key: 'project:1~0' },
    ])
  })

  it('looks at the cache of that name and namespace only', async () => {
    const store = memoryStore()
    await plant(store, rootKey, 'x')
    expect(await checkGenerations(store, { name: 'shop' })).toEqual([])
    expect(await checkGenerations(store, { ...SHOP, name: 'shop-2' })).toEqual([])
  })

  it('finds a store that forgets', async () => {
    const store: Store = { ...memoryStore(), name: 'redis', forgets: true }
    expect(await checkGenerations(store, SHOP)).toMatchObject([{ kind: 'forgets', store: 'redis' }])
  })

  it('reads one by one where the store cannot read many', async () => {
    const { name, read, swap } = memoryStore()
    const store: Store = { name, read, swap }
    await plant(store, tagKey('b'), 'x')
    expect(await checkGenerations(store, { ...SHOP, tags: ['a', 'b'] })).toMatchObject([{ tag: 'b' }])
  })

  it('rejects with what the store rejects with, and when it does not answer in time', async () => {
    const down: Store = { ...memoryStore(), read: async () => Promise.reject(new Error('down')) }
    await expect(checkGenerations(down, SHOP)).rejects.toThrow('down')
    const silent: Store = { ...memoryStore(), read: () => new Promise(() => {}) }
    await expect(checkGenerations(silent, { ...SHOP, timeout: 1 })).rejects.toMatchObject({ code: 'STORE_TIMEOUT' })
  })

  it.each<[string, object, string]>([
    ['no name', {}, '"name"'],
    ['tags that are no list', { name: 'shop', tags: 'a' }, 'option "tags" must be a list of at most 1,000 strings'],
    ['an empty tag', { name: 'shop', tags: [''] }, '"tags" must be well-formed strings'],
    ['an unknown option', { name: 'shop', tag: 'a' }, 'unknown option "tag"'],
  ])('refuses %s', async (_what, options, message) => {
    await expect(checkGenerations(memoryStore(), options as typeof SHOP)).rejects.toThrow(message)
  })
})
