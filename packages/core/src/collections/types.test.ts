import { expect, it } from 'vitest'
import type { StandardSchema } from '../contracts.ts'
import { createCache } from '../data/index.ts'
import { counter, hash, list, set } from './collections.ts'

const schema: StandardSchema<unknown, number> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) => (typeof value === 'number' ? { value } : { issues: [{ message: 'no number' }] }),
  },
}

it('infers parameters and items, and refuses at compile time what it refuses at run time', async () => {
  const cache = createCache({ name: 'types' })
  const cart = hash(cache, { key: 'cart:{user}', usable: 60_000, schema, tags: ({ user }) => [`user:${user}`] })
  await cart.set({ user: 7 }, 'sku', 2)
  const count: number | undefined = await cart.get({ user: 7 }, 'sku')
  expect(count).toBe(2)
  // @ts-expect-error: the schema says what the values are
  await expect(cart.set({ user: 7 }, 'sku', 'two')).rejects.toThrow(TypeError)
  // @ts-expect-error: a parameter is missing
  await expect(cart.set({}, 'sku', 2)).rejects.toThrow(/"user"/)
  const feed = list(cache, { key: 'feed', usable: 60_000 })
  // @ts-expect-error: a function is not JSON
  await expect(feed.pushLeft(undefined, () => 1)).rejects.toMatchObject({ code: 'VALUE_INVALID' })
  const online = set(cache, { key: 'online:{room}', usable: 60_000 })
  // @ts-expect-error: members are texts
  await expect(online.add({ room: 1 }, 1)).rejects.toThrow(/member/)
  const views = counter(cache, { key: 'views:{id}', usable: 60_000 })
  const total: number = await views.add({ id: 1 }, 2)
  expect(total).toBe(2)
  const spread = counter(cache, { key: 'clicks:{id}', usable: 60_000, shards: 4 })
  const nothing: undefined = await spread.add({ id: 1 }, 2)
  expect(nothing).toBeUndefined()
  expect(await spread.read({ id: 1 })).toBe(2)
  // @ts-expect-error: there is no such option
  expect(() => set(cache, { key: 'x', usable: 1, ttl: 2 })).toThrow(/"ttl"/)
})
