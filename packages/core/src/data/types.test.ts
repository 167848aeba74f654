import { expect, it } from 'vitest'
import type { StandardSchema } from '../contracts.ts'
import { createCache } from './index.ts'

interface Project {
  readonly name: string
}

const schema: StandardSchema<unknown, Project> = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value) =>
      typeof (value as Project | null)?.name === 'string'
        ? { value: value as Project }
        : { issues: [{ message: 'no name', path: ['name'] }] },
  },
}

it('infers parameters and values, and refuses at compile time what it refuses at run time', async () => {
  const cache = createCache({ name: 'types' })
  const project = cache.use({
    key: 'project:{id}:info',
    schema,
    fresh: 60_000,
    tags: ({ id }) => [`owner:${id}`],
    load: async ({ id }, { previous, signal, keep, unchanged, skip }) => {
      if (signal.aborted) return undefined
      if (previous?.value.name === String(id)) return unchanged()
      return id === 1 ? skip({ name: 'skipped' }) : keep({ name: 'kept' }, { mark: 'etag', tags: ['team:7'] })
    },
  })
  const known: Project | undefined = await project.get({ id: 42 })
  expect(known).toEqual({ name: 'kept' })
  const list = cache.use({
    key: 'list:{team}:{page}',
    usable: 60_000,
    load: async ({ page }, { keep }) => keep([Number(page)]),
  })
  const numbers: readonly number[] | undefined = await list.get({ team: 'a', page: 1 })
  expect(numbers).toEqual([1])
  const single = cache.use({ key: 'single', fresh: 60_000, load: async () => 'text' })
  const text: string | undefined = await single.get(undefined)
  expect(text).toBe('text')
  // @ts-expect-error: a parameter is missing
  await expect(list.get({ team: 'a' })).rejects.toThrow(/"page"/)
  // @ts-expect-error: there is no such parameter
  await expect(project.get({ id: 7, other: 2 })).rejects.toThrow(/"other"/)
  // @ts-expect-error: an object is not a parameter
  await expect(project.get({ id: {} })).rejects.toThrow(/"id"/)
  // @ts-expect-error: a project has a name
  await expect(project.set({ id: 1 }, { title: 'x' })).rejects.toThrow(/\$\.name/)
  // @ts-expect-error: the schema says what is loaded
  const wrong = cache.use({ key: 'wrong', schema, fresh: 60_000, load: async () => 1 })
  await expect(wrong.get(undefined)).rejects.toMatchObject({ name: 'SourceUnavailableError' })
  // @ts-expect-error: there is no such option
  expect(() => cache.use({ key: 'x', fresh: 1, ttl: 2, load: async () => 1 })).toThrow(/"ttl"/)
})
