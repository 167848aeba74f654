import { describe, expect, it } from 'vitest'
import type { Store } from '../contracts.ts'
import { custom } from '../sources/custom.ts'
import { createTokens } from '../tokens/tokens.ts'

const denied: Store = {
  name: 'denied',
  read: () =>
    Promise.reject(
      Object.assign(new Error('table tokens: access denied; the role needs dynamodb:GetItem on this table'), {
        code: 'STORE_DENIED',
        retryable: false,
      }),
    ),
  swap: () => Promise.reject(new Error('never')),
}

describe('a store that a person must mend', () => {
  it('is an error of every call and every key, and never a token request for each environment', async () => {
    let fetches = 0
    const source = custom<{ readonly tenant: string }>({
      identity: ({ tenant }) => ({ tenant }),
      fetch: async () => ({ value: `token-${++fetches}`, life: 3_600_000 }),
    })
    const family = createTokens({ directory: false, store: denied }).use(source)
    for (const tenant of ['one', 'one', 'two', 'two', 'one']) {
      const handle = family.for({ tenant })
      const failure = await handle.get().catch((error: unknown) => error)
      expect(failure).toMatchObject({ code: 'STORE_DENIED', retryable: false, key: handle.key })
      expect(String(failure)).toContain(`dynamodb:GetItem on this table (${handle.key})`)
    }
    expect(fetches).toBe(0)
  })
})
