import { describe, expect, it } from 'vitest'
import type { StandardSchema } from '../contracts.ts'
import { SourceUnavailableError } from '../errors.ts'
import { type CacheOptions, createCache } from './cache.ts'
import { countingStore, fakeTime } from './fake.test-data.ts'
import type { ResourceOptions } from './types.ts'

interface Project {
  readonly id: number
  readonly team: string
}

/** A schema of Standard Schema 1 by a test of fields. */
function schemaOf<T>(vendor: string, accepts: (value: Readonly<Record<string, unknown>>) => string | undefined) {
  const schema: StandardSchema<unknown, T> = {
    '~standard': {
      version: 1,
      vendor,
      validate: (value) => {
        const path = accepts(Object(value))
        return path === undefined ? { value: value as T } : { issues: [{ message: 'wrong', path: [path] }] }
      },
    },
  }
  return schema
}

const Project = schemaOf<Project>('test', ({ id, team }) =>
  typeof id !== 'number' ? 'id' : typeof team !== 'string' ? 'team' : undefined,
)

function world() {
  const time = fakeTime()
  const { store, counts } = countingStore(time.now)
  const truth = { value: { id: 1, team: 'red' } as unknown, loads: 0 }
  const bind = <V = Project>(
    options: Partial<ResourceOptions<'project:{id}', V, unknown>> = {},
    cache: Partial<CacheOptions> = {},
  ) =>
    createCache({ name: 'shop', store, runtime: time.runtime, onEvent: () => {}, ...cache }).use<'project:{id}', V>({
      key: 'project:{id}',
      fresh: 600_000,
      load: async () => {
        truth.loads += 1
        return truth.value as V
      },
      ...options,
    })
  return { time, store, counts, truth, bind }
}

describe('a schema of values', () => {
  it('refuses what is loaded, with the place and not the value, and nothing is stored', async () => {
    const { bind, truth, time } = world()
    truth.value = { id: 1, team: { secret: 'of nobody' } }
    const refused = await time.run(
      bind({ schema: Project })
        .get({ id: 1 })
        .catch((error: unknown) => error),
    )
    expect(refused).toBeInstanceOf(SourceUnavailableError)
    expect(refused).toMatchObject({
      code: 'SCHEMA_REFUSED',
      cause: { message: expect.stringContaining('the schema of project:{id} refuses $.team') },
    })
    expect(String(refused)).not.toContain('of nobody')
    // Without a schema, whatever is stored would be shown.
    expect(await bind({}).inspect({ id: 1 }, { live: true })).toBeUndefined()
    truth.value = { id: 1, team: 'red' }
    time.pass(60_000)
    expect(await time.run(bind({ schema: Project }).get({ id: 1 }))).toEqual(truth.value)
  })

  it('makes a stored value of an old shape a miss', async () => {
    const { bind, truth } = world()
    truth.value = { id: 1, group: 'red' }
    await bind().get({ id: 1 })
    truth.value = { id: 1, team: 'red' }
    expect(await bind({ schema: Project }).get({ id: 1 })).toEqual({ id: 1, team: 'red' })
    expect(truth.loads).toBe(2)
  })

  it('refuses what is set, before anything is written', async () => {
    const { bind, counts } = world()
    await expect(bind({ schema: Project }).set({ id: 1 }, { id: 1 } as never)).rejects.toMatchObject({
      code: 'SCHEMA_REFUSED',
    })
    expect(counts.swaps).toBe(0)
  })

  it('must be synchronous', async () => {
    const schema = { '~standard': { version: 1, vendor: 'test', validate: async (value: unknown) => ({ value }) } }
    await expect(
      world()
        .bind({ schema: schema as never })
        .get({ id: 1 }),
    ).rejects.toThrow(/must be synchronous/)
  })
})

describe('a schema of parameters', () => {
  it('refuses them before anything is read, in every method', async () => {
    const { bind, counts } = world()
    const params = schemaOf<unknown>('test', ({ id }) => (/^\d{1,4}$/.test(String(id)) ? undefined : 'id'))
    const project = bind({ params })
    const wrong = /key project:\{id\}: the schema of "params" refuses \$\.id/
    await expect(project.get({ id: 'guessed' })).rejects.toThrow(wrong)
    await expect(project.getMany([{ id: 1 }, { id: 'guessed' }])).rejects.toThrow(wrong)
    await expect(project.set({ id: 'guessed' }, { id: 1, team: 'red' })).rejects.toThrow(wrong)
    await expect(project.delete({ id: 'guessed' })).rejects.toThrow(wrong)
    expect(() => project.keyOf({ id: 'guessed' })).toThrow(wrong)
    expect(counts.reads).toBe(0)
    expect(await project.get({ id: 42 })).toEqual({ id: 1, team: 'red' })
  })
})

describe('a form', () => {
  it('keeps what JSON cannot hold', async () => {
    const { bind, truth } = world()
    truth.value = new Date(1_700_000_000_000)
    const form = { print: (at: Date) => at.toISOString(), parse: (text: string) => new Date(text) }
    await bind({ form }).get({ id: 1 })
    const found = await bind({ form }).get({ id: 1 })
    expect(found).toEqual(truth.value)
    expect(found).toBeInstanceOf(Date)
    expect(truth.loads).toBe(1)
  })

  it('that throws makes a stored value a miss, and one that prints no text is a mistake', async () => {
    const { bind, truth } = world()
    await bind().get({ id: 1 })
    const failing = { print: String, parse: () => JSON.parse('{') }
    await bind({ form: failing as never }).get({ id: 1 })
    expect(truth.loads).toBe(2)
    const wrong = { print: () => 1, parse: String }
    await expect(bind({ form: wrong as never }).set({ id: 2 }, { id: 1, team: 'red' })).rejects.toThrow(
      /"print" must return a string/,
    )
  })
})
