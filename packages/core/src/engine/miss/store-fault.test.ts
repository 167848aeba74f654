import { describe, expect, it } from 'vitest'
import type { Store } from '../../contracts.ts'
import { custom } from '../../sources/custom.ts'
import { memoryStore } from '../../stores/memory.ts'
import { createTokens } from '../../tokens/tokens.ts'

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

describe('a store that the user must fix', () => {
  it('is an error of every call and every key, and never a token request for each environment', async () => {
    let fetches = 0
    const source = custom<{ readonly tenant: string }>({
      identity: ({ tenant }) => ({ tenant }),
      fetch: async () => ({ value: `token-${++fetches}`, lifetime: 3_600_000 }),
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

describe('a store that must be opened', () => {
  it('is opened before every request, and is not treated as a slow one while it opens', async () => {
    const memory = memoryStore()
    const requests: string[] = []
    const store: Store = {
      name: 'memory',
      open: async () => {
        requests.push('open')
        // Many times as long as a request may take.
        await new Promise((resolve) => setTimeout(resolve, 60))
      },
      read: async (...call) => {
        requests.push('read')
        return memory.read(...call)
      },
      swap: async (...call) => {
        requests.push('swap')
        return memory.swap(...call)
      },
    }
    const events: string[] = []
    const tokens = createTokens({ directory: false, store, storeTimeout: 5, onEvent: ({ type }) => events.push(type) })
    const handle = tokens.use(custom({ identity: 'x', fetch: async () => ({ value: 'token', lifetime: 3_600_000 }) }))
    expect((await handle.get()).value).toBe('token')
    expect(requests).toEqual(['open', 'read', 'open', 'swap', 'open', 'swap'])
    expect(events).toContain('publish')
    expect(events).not.toContain('store-error')
  })

  it('is asked although it did not open: the request says why', async () => {
    const store: Store = {
      ...memoryStore(),
      open: () => {
        throw new Error('no connection')
      },
    }
    const tokens = createTokens({ directory: false, store })
    const handle = tokens.use(custom({ identity: 'x', fetch: async () => ({ value: 'token', lifetime: 3_600_000 }) }))
    expect((await handle.get()).value).toBe('token')
  })
})
