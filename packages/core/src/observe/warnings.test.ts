import { afterEach, expect, it, vi } from 'vitest'
import type { Store } from '../contracts.ts'
import { custom } from '../sources/custom.ts'
import type { createTokens, TokensOptions } from '../tokens/tokens.ts'

afterEach(() => {
  vi.restoreAllMocks()
  vi.resetModules()
})

const HOUR = 3_600_000

function failing(code: string, retryable: boolean): Store {
  const fail = (): Promise<never> => Promise.reject(Object.assign(new Error('no'), { code, retryable }))
  return { name: 'down', read: fail, swap: fail }
}

/** The warnings of fresh modules, as a new environment has them, whose store fails. */
async function warningsOf(store: Store, options: TokensOptions = {}, lifetime = HOUR): Promise<readonly unknown[]> {
  const emitWarning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  const fresh: { readonly createTokens: typeof createTokens } = await import('../tokens/tokens.ts')
  for (const identity of ['one', 'two']) {
    const tokens = fresh.createTokens({ directory: false, store, ...options })
    const source = custom({ identity, fetch: async () => ({ value: 'a-token', lifetime }) })
    await tokens
      .use(source, { name: 'crm' })
      .get()
      .catch(() => {})
  }
  return emitWarning.mock.calls.map(([text, given]) => [text, given])
}

it('A store that needs operator action is warned of once in an environment when nobody listens', async () => {
  vi.resetModules()
  expect(await warningsOf(failing('STORE_DENIED', false))).toEqual([
    [
      expect.stringMatching(/STORE_DENIED, crm.*"onEvent".*--disable-warning=WarmTokenWarning/),
      { type: 'WarmTokenWarning', code: 'WARMTOKEN_STORE' },
    ],
  ])
})

it('A token that had to be fetched without the store is warned of once when nobody listens', async () => {
  vi.resetModules()
  const warnings = await warningsOf(failing('STORE_UNAVAILABLE', true))
  expect(warnings).toHaveLength(1)
  expect(String(warnings[0])).toContain('STORE_UNAVAILABLE')
})

it('A listener silences the warnings', async () => {
  vi.resetModules()
  expect(await warningsOf(failing('STORE_DENIED', false), { onEvent: () => {} })).toEqual([])
})

it('A lifetime that looks like seconds is warned of once when nobody listens', async () => {
  vi.resetModules()
  const { memoryStore } = await import('../stores/memory.ts')
  expect(await warningsOf(memoryStore(), {}, 3_600)).toEqual([
    [expect.stringContaining('"lifetime" of crm is 3600 ms'), { type: 'WarmTokenWarning', code: 'WARMTOKEN_DURATION' }],
  ])
})
