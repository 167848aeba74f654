import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { custom } from '../sources/custom.ts'
import type { Token } from './token.ts'
import { createTokens } from './tokens.ts'

const VALUE = 'MARKED'

const issue = (): Promise<Token> =>
  createTokens({ directory: false })
    .use(custom({ identity: 'x', fetch: async () => ({ value: VALUE, life: 3_600_000, extra: { instance: 'eu' } }) }))
    .get()

describe('a token', () => {
  it.each<[string, (token: Token) => string]>([
    ['as a text', (token) => `${token}`],
    ['as JSON', (token) => JSON.stringify({ token })],
    ['inspected', (token) => inspect(token, { showHidden: true, depth: 9 })],
    ['inspected as a plain object', (token) => inspect(token, { showHidden: true, customInspect: false, depth: 9 })],
    ['spread', (token) => JSON.stringify({ ...token }) + inspect({ ...token }, { customInspect: false })],
  ])('shows its fingerprint and never its value: %s', async (_how, show) => {
    const token = await issue()
    expect(token.value).toBe(VALUE)
    expect(show(token)).toContain(token.fingerprint)
    expect(show(token)).not.toContain(VALUE)
  })

  it('cannot be changed', async () => {
    const token = await issue()
    for (const name of ['value', 'type', 'extra', 'tier', 'expiresAt', 'remaining'])
      expect(() => Object.assign(token, { [name]: 'x' })).toThrow(TypeError)
  })

  it('tells its age and the life left', async () => {
    const token = await issue()
    expect(token.remaining()).toBeGreaterThan(3_500_000)
    expect(token.age()).toBeLessThan(token.expiresAt - token.issuedAt)
    expect(token.extra).toEqual({ instance: 'eu' })
  })
})

describe('use', () => {
  const fetch = async (): Promise<never> => {
    throw new Error('not asked')
  }
  const identity = (): string => 'x'
  it.each([
    ['nothing', undefined],
    ['no kind', { identity, fetch }],
    ['a kind that is no text', { kind: 5, identity, fetch }],
    ['a kind of capitals', { kind: 'A', identity, fetch }],
    ['no identity', { kind: 'a', fetch }],
    ['no fetch', { kind: 'a', identity }],
  ])('refuses a source that is or has %s', (_what, source) => {
    expect(() => createTokens({ directory: false }).use(source as never)).toThrow(/^use: a source must be/)
  })
})
