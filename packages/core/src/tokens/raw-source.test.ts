import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import type { Json, Source, TokenValue } from '../contracts.ts'
import { createTokens } from './tokens.ts'

const HOUR = 3_600_000

/** A token of a source that is written by hand and gives this. */
function tokenOf(fetch: () => unknown) {
  const source = { kind: 'raw', identity: () => 'x', fetch } as unknown as Source<TokenValue>
  return createTokens({ directory: false }).use(source).get()
}

const endless: { [name: string]: unknown } = {}
endless['again'] = endless
/** JSON of so many objects and lists in each other. */
function nested(depth: number): Json {
  return JSON.parse(`{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`) as Json
}
const value = { value: 'SECRET', type: 'Bearer' }

describe('a source written by hand', () => {
  it.each<[string, unknown, string, string]>([
    ['nothing', undefined, 'BAD_TOKEN', 'value.value'],
    ['null', null, 'BAD_TOKEN', 'value.value'],
    ['a text', 'SECRET', 'BAD_TOKEN', 'value.value'],
    ['an empty object', {}, 'BAD_TOKEN', 'value.value'],
    ['a text in place of the value', { value: 'SECRET', lifetime: HOUR }, 'BAD_TOKEN', 'value.value'],
    ['null for a value', { value: null, lifetime: HOUR }, 'BAD_TOKEN', 'value.value'],
    ['null for a token', { value: { ...value, value: null }, lifetime: HOUR }, 'BAD_TOKEN', 'value.value'],
    ['an empty token', { value: { ...value, value: '' }, lifetime: HOUR }, 'BAD_TOKEN', 'value.value'],
    ['a token of two lines', { value: { ...value, value: 'SECRET\nx' }, lifetime: HOUR }, 'BAD_TOKEN', 'value.value'],
    ['no type', { value: { value: 'SECRET' }, lifetime: HOUR }, 'BAD_TOKEN', 'value.type'],
    ['a type of two words', { value: { ...value, type: 'SECRET x' }, lifetime: HOUR }, 'BAD_TOKEN', 'value.type'],
    ['an extra that is a text', { value: { ...value, extra: 'SECRET' }, lifetime: HOUR }, 'BAD_TOKEN', 'value.extra'],
    ['an extra without end', { value: { ...value, extra: endless }, lifetime: HOUR }, 'BAD_TOKEN', 'value.extra'],
    ['an extra beyond JSON', { value: { ...value, extra: { n: 1n } }, lifetime: HOUR }, 'BAD_TOKEN', 'value.extra'],
    [
      'an extra nested too deeply',
      { value: { ...value, extra: nested(17) }, lifetime: HOUR },
      'BAD_TOKEN',
      'value.extra',
    ],
    ['an endless extra', { value: { ...value, extra: nested(100_000) }, lifetime: HOUR }, 'BAD_TOKEN', 'value.extra'],
    ['a chain without end', { value: { ...value, chain: endless }, lifetime: HOUR }, 'BAD_TOKEN', 'value.chain'],
    ['no life', { value }, 'BAD_LIFE', 'lifetime'],
    ['a life that is a text', { value, lifetime: 'SECRET' }, 'BAD_LIFE', 'lifetime'],
  ])('that gives %s is a typed error that names the field and shows nothing', async (_what, given, code, field) => {
    const error: unknown = await tokenOf(async () => given).catch((cause: unknown) => cause)
    expect(error).toMatchObject({ name: 'SourceUnavailableError', code, retryable: true })
    const shown = inspect(error, { depth: 20, showHidden: true })
    expect(shown).toContain(`"${field}"`)
    expect(shown).not.toContain('SECRET')
  })

  it('may answer without a promise, and may throw at once', async () => {
    expect((await tokenOf(() => ({ value, lifetime: HOUR }))).value).toBe('SECRET')
    const throwing = tokenOf(() => {
      throw new RangeError('SECRET')
    })
    await expect(throwing).rejects.toMatchObject({ name: 'SourceUnavailableError', code: 'SOURCE_FAILED' })
  })

  it('may nest what comes with its token sixteen deep', async () => {
    const extra = nested(16)
    expect((await tokenOf(async () => ({ value: { ...value, extra }, lifetime: HOUR }))).extra).toEqual(extra)
  })

  it('keeps what it gave to itself: its later changes reach no token, and nothing of it is frozen', async () => {
    const extra = { instance: 'eu', regions: ['one'] }
    const token = await tokenOf(async () => ({ value: { ...value, extra }, lifetime: HOUR }))
    extra.regions.push('two')
    expect(token.extra).toEqual({ instance: 'eu', regions: ['one'] })
  })
})
