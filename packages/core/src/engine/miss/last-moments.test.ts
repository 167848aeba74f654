import { describe, expect, it } from 'vitest'
import { shiftedRuntime } from '../../lib/shifted-runtime.test-data.ts'
import { custom } from '../../sources/custom.ts'
import { memoryStore } from '../../stores/memory.ts'
import { createTokens } from '../../tokens/tokens.ts'

const LIFETIME = 10_000

describe('in the last moments of a value', () => {
  it.each([100, 90, 70, 40, 5])(
    '%i ms before its end, a call waits for the environment that replaces it',
    async (left) => {
      const { runtime, advance } = shiftedRuntime()
      const store = memoryStore({ wall: runtime.wall })
      let fetches = 0
      const [asked, answered] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      const source = custom({
        identity: 'x',
        async fetch() {
          fetches += 1
          if (fetches > 1) {
            asked.resolve()
            await answered.promise
          }
          return { value: `token-${fetches}`, lifetime: LIFETIME }
        },
      })
      const enter = () => createTokens({ directory: false, store, runtime }).use(source)
      const waiting = enter()
      expect((await waiting.get()).value).toBe('token-1')
      advance(LIFETIME - left)
      const replacing = enter().get()
      await asked.promise
      const got = waiting.get().then(
        ({ value }) => value,
        (error: unknown) => error,
      )
      setTimeout(answered.resolve, 150)
      expect(await got).toBe('token-2')
      expect((await replacing).value).toBe('token-2')
      expect(fetches).toBe(2)
    },
  )
})
