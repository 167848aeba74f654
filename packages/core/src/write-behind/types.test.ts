import { expect, it } from 'vitest'
import type { StandardSchema } from '../contracts.ts'
import { memoryStore } from '../stores/memory.ts'
import { writeBehind } from './write-behind.ts'

const schema: StandardSchema<unknown, number> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) => (typeof value === 'number' ? { value } : { issues: [{ message: 'no number', path: ['x'] }] }),
  },
}

it('infers parameters and values, and refuses at compile time what it refuses at run time', async () => {
  const store = memoryStore()
  const views = writeBehind({
    store,
    name: 'views',
    key: 'views:{post}',
    schema,
    merge: (older, newer) => older + newer,
    apply: ({ post }, by, { n }) => `${post}`.length + by.toFixed(0).length + n,
  })
  await views.write({ post: 7 }, 1)
  const count: number | undefined = await views.read({ post: 7 }, () => 41)
  expect(count).toBe(42)
  // @ts-expect-error: the schema says what the values are
  await expect(views.write({ post: 7 }, 'one')).rejects.toThrow('the schema refuses the value at $.x')
  // @ts-expect-error: a parameter is missing
  await expect(views.write({}, 1)).rejects.toThrow(/"post"/)
  // @ts-expect-error: there is no such option
  expect(() => writeBehind({ store, name: 'a', key: 'a', apply: () => {}, ttl: 1 })).toThrow(/"ttl"/)
  for (const wrong of [{ name: 'A' }, { attempts: 0 }, { applyTimeout: 5 }, { onPoison: 'drop' }, { store: {} }])
    expect(() => writeBehind({ store, name: 'a', key: 'a', apply: () => {}, ...(wrong as object) })).toThrow(
      `option "${Object.keys(wrong)[0]}" must be`,
    )
})
