import { describe, expect, expectTypeOf, it } from 'vitest'
import { parsePlan } from './parse-plan.ts'
import { plan } from './plan.ts'
import type { Plan } from './types.ts'

const board = {
  get: async (_params: { readonly size: number }, _how: { readonly maxAge: number; readonly timeout: number }) => 1,
}
const crm = { get: async (_how: { readonly minLifetime: number; readonly timeout: number }) => 1, reject: () => {} }
const tenants = { for: (_params: { readonly tenant: string }) => crm }

/** The message of what is thrown for items. */
function messageOf(items: unknown, more: object = {}): string {
  try {
    plan({ name: 'main', ...more, items } as never)
  } catch (error) {
    expect(error).toBeInstanceOf(TypeError)
    return (error as Error).message
  }
  return 'accepted'
}

describe('a plan in code', () => {
  it('takes handles, families and resources, each with parameters of its own type', () => {
    const made = plan({
      name: 'main',
      items: [
        { name: 'board', source: board, params: { size: 3 }, every: 900_000 },
        { name: 'crm', source: crm, at: '06:00' },
        { name: 'tenants', source: tenants, list: async () => [{ tenant: 'one' }], every: '2h', limit: 5 },
      ],
    })
    expectTypeOf(made).toEqualTypeOf<Plan>()
    expect(made.items.map(({ name, every }) => [name, every])).toEqual([
      ['board', 900_000],
      ['crm', 86_400_000],
      ['tenants', 7_200_000],
    ])
  })

  it('does not compile with parameters of another type, or without those that a source needs', () => {
    // @ts-expect-error: size is a number
    plan({ name: 'main', items: [{ name: 'board', source: board, params: { size: 'x' }, every: 900_000 }] })
    // @ts-expect-error: the parameters are missing
    plan({ name: 'main', items: [{ name: 'board', source: board, every: 900_000 }] })
    // @ts-expect-error: a handle has no parameters
    plan({ name: 'main', items: [{ name: 'crm', source: crm, params: 1, every: 900_000 }] })
    expect(true).toBe(true)
  })

  it.each<[string, object, string]>([
    ['an interval of zero', { every: 0 }, 'items[0].every must be ms, at least 60000'],
    ['an interval below a minute', { every: 1_000 }, 'items[0].every must be'],
    ['an interval in other words', { every: '15 fortnights' }, 'items[0].every must be'],
    ['both kinds of times', { every: '5m', at: '00:00' }, 'items[0] needs either "every" or "at"'],
    ['neither', {}, 'items[0] needs either "every" or "at"'],
    ['a time that no clock shows', { at: '24:00' }, 'items[0].at must be "HH:MM"'],
    ['no times', { at: [] }, 'items[0].at must be'],
    ['an unknown field', { every: '5m', evry: 1 }, 'items[0].evry is unknown; known are name, source'],
    ['a source that is none', { every: '5m', source: {} }, 'items[0].source must be a token handle'],
    ['a list with parameters', { every: '5m', list: [1], params: 1 }, 'items[0].list cannot be combined with "params"'],
    ['a list that is none', { every: '5m', list: 'all' }, 'items[0].list must be a list'],
    ['a limit of zero', { every: '5m', limit: 0 }, 'items[0].limit must be a whole number'],
    ['a priority that is none', { every: '5m', priority: 'high' }, 'items[0].priority must be a number'],
    ['a name with a space', { every: '5m', name: 'a b' }, 'items[0].name must be 1 to 64'],
  ])('refuses %s', (_what, item, message) => {
    expect(messageOf([{ name: 'one', source: board, ...item }])).toContain(message)
  })

  it('refuses duplicate names, unknown zones, no items and too many', () => {
    const item = { name: 'one', source: board, every: '5m' }
    expect(messageOf([item, { ...item, name: 'two' }, item])).toBe(
      'plan: items[2].name "one" is also the name of items[0]',
    )
    expect(messageOf([item], { zone: 'Mars/Olympus' })).toContain('zone must be an IANA time zone')
    expect(messageOf([])).toContain('items must be a list of 1 to 200')
    expect(messageOf(Array.from({ length: 201 }, (_, index) => ({ ...item, name: `n${index}` })))).toContain('1 to 200')
    expect(messageOf(null)).toContain('items must be a list')
  })

  it('names all that is wrong at once, up to twenty', () => {
    const wrong = Array.from({ length: 30 }, (_, index) => ({ name: `n${index}`, source: board, every: 0 }))
    expect(messageOf(wrong).match(/every must be/g)).toHaveLength(20)
    expect(messageOf(wrong)).toContain('; and 10 more')
  })
})

describe('a plan in YAML', () => {
  const names = { sources: { board, crm, tenants }, lists: { all: async () => [{ tenant: 'one' }] }, file: 'plan.yml' }
  const parse = (text: string) => parsePlan(text, names)

  it('is the plan that the text says', async () => {
    const made = await parse(`
name: main
zone: Asia/Shanghai
items:
  - name: board
    source: board
    params: { size: 100 }
    every: 15m
    priority: 10
  - { name: crm, source: crm, at: ["06:00", "18:00"] }
  - { name: tenants, source: tenants, list: all, every: 1h }
`)
    expect(made).toMatchObject({ name: 'main', zone: 'Asia/Shanghai' })
    expect(made.items.map(({ name, at, every, isList }) => [name, at, every, isList])).toEqual([
      ['board', [], 900_000, false],
      ['crm', ['06:00', '18:00'], 86_400_000, false],
      ['tenants', [], 3_600_000, true],
    ])
    expect(await made.items[0]?.list()).toEqual([{ size: 100 }])
    expect(await made.items[2]?.list()).toEqual([{ tenant: 'one' }])
  })

  it('is refused with the line of everything that is wrong', async () => {
    const text = `name: main
zone: Nowhere/Else
items:
  - name: board
    source: boards
    every: 0
  - name: board
    source: crm
    every: 5m
    list: unknown
  - name: none
    source: constructor
`
    await expect(parse(text)).rejects.toThrow(TypeError)
    const message = await parse(text).catch((error: Error) => error.message)
    expect(message).toContain('plan.yml:2: zone must be an IANA time zone')
    expect(message).toContain('plan.yml:5: items[0].source "boards" is not known')
    expect(message).toContain('plan.yml:6: items[0].every must be')
    expect(message).toContain('plan.yml:7: items[1].name "board" is also the name of items[0]')
    expect(message).toContain('plan.yml:10: items[1].list must be')
    expect(message).toContain('plan.yml:11: items[2] needs either')
    expect(message).toContain('plan.yml:12: items[2].source "constructor" is not known')
  })

  it.each([
    ['is not YAML', 'name: [1', /^plan\.yml:1: it is not YAML: /],
    ['has a field twice', 'name: a\nname: b\n', /^plan\.yml:2: it is not YAML: DUPLICATE_KEY/],
    ['is empty', '', /must be an object/],
    ['is too long', ' '.repeat(300_000), /at most 262144 characters/],
  ])('is refused when it %s', async (_what, text, message) => {
    await expect(parse(text)).rejects.toThrow(message)
  })

  it('is refused when its aliases would fill the memory', async () => {
    const bomb = Array.from(
      { length: 9 },
      (_, i) => `a${i}: &a${i} [${Array(9).fill(i === 0 ? 'x' : `*a${i - 1}`)}]`,
    ).join('\n')
    await expect(parse(bomb)).rejects.toThrow(/alias/i)
  })
})
