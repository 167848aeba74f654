import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { SourceRefusedError } from '../errors.ts'
import { createTokens } from '../tokens/tokens.ts'
import type { TokenHandle } from '../tokens/types.ts'
import { type CustomOptions, type CustomToken, custom } from './custom.ts'

const HOUR = 3_600_000

function handleOf(given: unknown): TokenHandle {
  const source = custom({ identity: 'x', fetch: async () => given as CustomToken })
  return createTokens({ directory: false }).use(source)
}

describe('what your own function gives', () => {
  it.each([
    ['nothing', undefined, 'BAD_TOKEN'],
    ['the bare token', 'MARKED', 'BAD_TOKEN'],
    ['an empty token', { value: '', lifetime: HOUR }, 'BAD_TOKEN'],
    ['a token that no header takes', { value: 'MARKED\n', lifetime: HOUR }, 'BAD_TOKEN'],
    ['a token without end', { value: 'MARKED'.repeat(20_000), lifetime: HOUR }, 'BAD_TOKEN'],
    ['a type of two words', { value: 'MARKED', type: 'Bearer or so', lifetime: HOUR }, 'BAD_TOKEN'],
    ['no life', { value: 'MARKED' }, 'BAD_LIFE'],
    ['a life as text', { value: 'MARKED', lifetime: '1h' }, 'BAD_LIFE'],
    ['a life that is over', { value: 'MARKED', lifetime: 0 }, 'BAD_LIFE'],
    ['a life of no number', { value: 'MARKED', lifetime: Number.NaN }, 'BAD_LIFE'],
  ])('is a typed error if it is %s, and is never shown', async (_name, given, code) => {
    const handle = handleOf(given)
    const error = await handle.get().catch((cause: unknown) => cause)
    expect(error).toMatchObject({ name: 'SourceUnavailableError', code, key: handle.key })
    expect(inspect(error, { depth: 20, showHidden: true })).not.toContain('MARKED')
    expect(handle.peek()).toBeUndefined()
  })

  it('is presented as a Bearer unless it says otherwise, and keeps what travels with it', async () => {
    expect((await handleOf({ value: 'a', lifetime: HOUR }).get()).headers()).toEqual({ authorization: 'Bearer a' })
    const token = await handleOf({ value: 'a', lifetime: HOUR, type: 'token', extra: { instance: 'eu' } }).get()
    expect([token.headers().authorization, token.extra]).toEqual(['token a', { instance: 'eu' }])
  })

  it('may be a refusal, by its own code', async () => {
    const source = custom({
      identity: 'x',
      fetch: async () => {
        throw new SourceRefusedError('the account is closed', { code: 'ACCOUNT_CLOSED' })
      },
    })
    const handle = createTokens({ directory: false }).use(source)
    await expect(handle.get()).rejects.toMatchObject({ code: 'ACCOUNT_CLOSED', retryable: false })
  })
})

describe('a secret whose fingerprint is not available', () => {
  it('hides no refusal, shows nothing of its own error, and does not make the issuer be asked again', async () => {
    let fetches = 0
    const source = custom({
      identity: 'x',
      secretFingerprint: () => Promise.reject(new Error('no access to MARKED')),
      fetch: async () => {
        fetches += 1
        throw new SourceRefusedError('no', { code: 'invalid_client' })
      },
    })
    const handle = createTokens({ directory: false }).use(source)
    for (let call = 0; call < 3; call += 1) {
      const error = await handle.get().catch((cause: unknown) => cause)
      expect(error).toMatchObject({ name: 'SourceRefusedError', code: 'invalid_client' })
      expect(inspect(error, { depth: 20, showHidden: true })).not.toContain('MARKED')
    }
    expect(fetches).toBe(1)
  })
})

describe('a source with parameters', () => {
  const family = () => {
    const asked: string[] = []
    const source = custom<{ tenant: string }>({
      identity: ({ tenant }) => {
        if (tenant === undefined) throw new TypeError('the parameter "tenant" is missing')
        return { tenant }
      },
      fetch: async ({ params }) => {
        asked.push(params.tenant)
        return { value: `token-of-${params.tenant}`, lifetime: HOUR }
      },
    })
    return { tokens: createTokens({ directory: false }).use(source), asked }
  }

  it('gives each its own token and key', async () => {
    const { tokens, asked } = family()
    const north = tokens.for({ tenant: 'north' })
    const south = tokens.for({ tenant: 'south' })
    expect([(await north.get()).value, (await south.get()).value]).toEqual(['token-of-north', 'token-of-south'])
    expect(north.key).not.toBe(south.key)
    expect(asked).toEqual(['north', 'south'])
  })

  it('gives the same token to all callers with the same parameters', async () => {
    const { tokens, asked } = family()
    await tokens.for({ tenant: 'north' }).get()
    expect((await tokens.for({ tenant: 'north' }).get()).tier).toBe('memory')
    expect(asked).toEqual(['north'])
  })

  it('refuses a missing parameter at once', () => {
    expect(() => family().tokens.for({} as { tenant: string })).toThrow('"tenant"')
  })
})

describe('wrong options', () => {
  it.each([
    [{ fetch: async () => ({}) }, 'identity'],
    [{ identity: 'x' }, 'fetch'],
    [{ identity: 'x', fetch: 'x' }, 'fetch'],
    [{ identity: 'x', fetch: async () => ({}), fetsh: 1 }, 'fetsh'],
    [{ identity: 'x', fetch: async () => ({}), kind: '' }, 'kind'],
    [{ identity: 'x', fetch: async () => ({}), kind: 'Not A Kind' }, 'kind'],
    [{ identity: 'x', fetch: async () => ({}), kind: 'x'.repeat(25) }, 'kind'],
    [{ identity: 'x', fetch: async () => ({}), traits: 5 }, 'traits'],
  ])('%j are a TypeError that names "%s"', (options, name) => {
    const make = (): unknown => custom(options as unknown as CustomOptions<undefined> & { identity: string })
    expect(make).toThrow(TypeError)
    expect(make).toThrow(new RegExp(`^custom: .*"${name}"`))
  })

  it.each([
    [{ mintBugdet: 3 }, 'mintBugdet'],
    [{ mintBudget: '3' }, 'mintBudget'],
    [{ mintBudget: 0 }, 'mintBudget'],
    [{ reuseWindow: '10 min' }, 'reuseWindow'],
    [{ overlap: -1 }, 'overlap'],
    [{ settleTime: Number.NaN }, 'settleTime'],
    [{ attach: 'x-token' }, 'attach'],
    [{ isRejection: 401 }, 'isRejection'],
  ])('within traits, such as %j, are a TypeError that names "traits" and "%s"', (traits, name) => {
    const make = (): unknown => custom({ identity: 'x', fetch: async () => ({}) as never, traits: traits as object })
    expect(make).toThrow(TypeError)
    expect(make).toThrow(new RegExp(`^custom: traits: .*"${name}"`))
  })
})

describe('right options', () => {
  it('may have every trait', () => {
    const traits = {
      reuseWindow: 0,
      overlap: 0,
      settleTime: 0,
      mintBudget: 1,
      attach: () => {},
      isRejection: () => false,
    }
    expect(custom({ identity: 'x', fetch: async () => ({}) as never, traits }).traits).toEqual(traits)
  })
})
