import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseKeyTemplate, prefixTags } from './key-template.ts'

const template = parseKeyTemplate('project:{id}:member:{user}')
const param = fc.oneof(
  fc
    .string({ minLength: 1, maxLength: 20, unit: 'binary' })
    .filter((text) => !/[:*]/.test(text) && text.isWellFormed()),
  fc.integer(),
)

describe('a key template', () => {
  it('prints a key with its parameters percent-encoded', () => {
    expect(template.print({ id: 42, user: 'a b/~ü' })).toBe('project:42:member:a%20b%2F%7E%C3%BC')
    expect(parseKeyTemplate('leaderboard').print(undefined)).toBe('leaderboard')
  })

  it('gives different keys to different parameters, and only safe characters', () => {
    const pair = fc.record({ id: param, user: param })
    fc.assert(
      fc.property(pair, pair, (one, two) => {
        const same = String(one.id) === String(two.id) && String(one.user) === String(two.user)
        expect(template.print(one) === template.print(two)).toBe(same)
        expect(template.print(one)).toMatch(/^[\w.%:-]+$/)
      }),
    )
  })

  it.each([
    ['nothing', undefined],
    ['a text', 'id'],
    ['a list', [1]],
  ])('refuses %s instead of parameters', (_what, params) => {
    expect(() => template.print(params)).toThrow(/give the parameters as an object: \{ id, user \}/)
  })

  it.each([
    ['an empty text', ''],
    ['a separator', 'a:b'],
    ['a star', 'a*'],
    ['an object', {}],
    ['undefined', undefined],
    ['NaN', Number.NaN],
    ['a text without end', 'x'.repeat(201)],
    ['half a surrogate pair', '\ud800'],
  ])('names the parameter that holds %s', (_what, user) => {
    expect(() => template.print({ id: 1, user })).toThrow(/parameter "user" must be/)
  })

  it('refuses a parameter that the template does not have, and one that only the prototype has', () => {
    expect(() => template.print({ id: 1, user: 2, page: 3 })).toThrow(/no parameter "page"; the key has: id, user$/)
    expect(() => parseKeyTemplate('feed').print({ page: 3 })).toThrow(/no parameter "page"; the key has: none$/)
    expect(() => parseKeyTemplate('a:{constructor}').print({})).toThrow(/parameter "constructor"/)
  })

  it.each(['', ':a', 'a:', '{id}', 'a:x{id}', 'a:{id}:{id}', 'a b', 'a:{1}', 'a:b:c:d:e:f:g:h:i'])(
    'refuses the template %j',
    (text) => {
      expect(() => parseKeyTemplate(text)).toThrow(TypeError)
    },
  )
})

describe('the tags of a prefix', () => {
  it('are those of every segment beyond the first but the last', () => {
    expect(prefixTags('project:42:info')).toEqual(['project:42:'])
    expect(prefixTags('a:b:c:d')).toEqual(['a:b:', 'a:b:c:'])
    expect(prefixTags('leaderboard')).toEqual([])
    expect(prefixTags('user:7')).toEqual([])
  })
})

describe('the key of a hit', () => {
  it('is the same as the checked one, or unknown', () => {
    const template = parseKeyTemplate('project:{id}:page:{page}')
    const param = fc.oneof(fc.stringMatching(/^[\w.-]{1,20}$/), fc.string(), fc.integer(), fc.double(), fc.constant({}))
    fc.assert(
      fc.property(param, param, (id, page) => {
        const quick = template.quick({ id, page })
        if (quick !== undefined) expect(template.print({ id, page })).toBe(quick)
      }),
    )
    expect(template.quick({ id: 42, page: 'a' })).toBe('project:42:page:a')
    expect(template.quick(null)).toBeUndefined()
    expect(parseKeyTemplate('single').quick(undefined)).toBe('single')
  })
})
