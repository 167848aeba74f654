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

describe('a store that must load an SDK first', () => {
  it('is not treated as a slow one while it loads, and loads once', async () => {
    let opened = 0
    let ready: () => void = () => {}
    const loading = new Promise<void>((resolve) => {
      ready = resolve
    })
    const store: Store = {
      ...memoryStore(),
      open: () => {
        opened += 1
        return loading
      },
    }
    const events: string[] = []
    const tokens = createTokens({ directory: false, store, storeTimeout: 5, onEvent: ({ type }) => events.push(type) })
    const handle = tokens.use(custom({ identity: 'x', fetch: async () => ({ value: 'token', lifetime: 3_600_000 }) }))
    const got = handle.get()
    // Many times as long as a request may take.
    setTimeout(ready, 100)
    expect((await got).value).toBe('token')
    expect(opened).toBe(1)
    expect(events).toContain('publish')
    expect(events).not.toContain('store-error')
  })
})
