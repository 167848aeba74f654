import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Json } from '../contracts.ts'
import { custom } from '../sources/custom.ts'
import { memoryStore } from '../stores/memory.ts'
import type { Token } from './token.ts'
import { createTokens } from './tokens.ts'

const VALUE = 'MARKED'

function issue(): Promise<Token> {
  return createTokens({ directory: false })
    .use(
      custom({ identity: 'x', fetch: async () => ({ value: VALUE, lifetime: 3_600_000, extra: { instance: 'eu' } }) }),
    )
    .get()
}

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

describe('what came with a token', () => {
  /** The same token from the source, from memory, from the file and from the store. */
  const fromEachTier = async (extra?: { readonly [name: string]: Json }): Promise<readonly Token[]> => {
    const directory = mkdtempSync(join(tmpdir(), 'warmtoken-test-'))
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
    const store = memoryStore()
    const fetch = async () => ({ value: VALUE, lifetime: 3_600_000, ...(extra && { extra }) })
    const handleIn = (folder: string | false) =>
      createTokens({ directory: folder, store }).use(custom({ identity: 'x', fetch }))
    const first = handleIn(directory)
    return [await first.get(), await first.get(), await handleIn(directory).get(), await handleIn(false).get()]
  }

  it('cannot be changed, however deep, from whichever tier it is', async () => {
    const tokens = await fromEachTier({ instance: { region: 'eu', zones: ['a', { name: 'b' }] } })
    expect(tokens.map(({ tier }) => tier)).toEqual(['source', 'memory', 'file', 'store'])
    for (const { extra } of tokens) {
      const { instance } = extra as unknown as { instance: { region: string; zones: [string, { name: string }] } }
      expect(() => Object.assign(extra, { more: 1 })).toThrow(TypeError)
      expect(() => Object.assign(instance, { region: 'us' })).toThrow(TypeError)
      expect(() => instance.zones.push('c' as never)).toThrow(TypeError)
      expect(() => Object.assign(instance.zones[1], { name: 'c' })).toThrow(TypeError)
      expect(extra).toEqual({ instance: { region: 'eu', zones: ['a', { name: 'b' }] } })
    }
  })

  it('cannot be changed where nothing came', async () => {
    for (const { extra } of await fromEachTier()) expect(() => Object.assign(extra, { more: 1 })).toThrow(TypeError)
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
    ['a kind that is not a string', { kind: 5, identity, fetch }],
    ['a kind of capitals', { kind: 'A', identity, fetch }],
    ['no identity', { kind: 'a', fetch }],
    ['no fetch', { kind: 'a', identity }],
  ])('refuses a source that is or has %s', (_what, source) => {
    expect(() => createTokens({ directory: false }).use(source as never)).toThrow(
      /^use: give \{ kind, identity, fetch \}/,
    )
  })
})
