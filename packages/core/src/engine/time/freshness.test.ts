import { describe, expect, it } from 'vitest'
import type { Runtime } from '../../contracts.ts'
import { SourceUnavailableError, WarmTokenError } from '../../errors.ts'
import { systemRuntime } from '../../lib/runtime.ts'
import { custom } from '../../sources/custom.ts'
import { memoryStore } from '../../stores/memory.ts'
import { Token } from '../../tokens/token.ts'
import { createTokens } from '../../tokens/tokens.ts'

describe('the shortest remaining lifetime', () => {
  it.each([2, 1.5, 1, 0.75, 0.5, 0.25, 0])(
    'of a token that is returned is 1 ms: asked when %s ms are left in memory',
    async (left) => {
      let now = 1_700_000_000_000
      let isUp = true
      const runtime: Runtime = { ...systemRuntime, wall: () => now, monotonic: () => now }
      const fetch = async () => {
        if (!isUp) throw new SourceUnavailableError('down')
        return { value: 'abc', lifetime: 10_000 }
      }
      const crm = createTokens({ directory: false, runtime, store: memoryStore({ wall: () => now }) }).use(
        custom({ identity: 'x', fetch }),
      )
      const first = await crm.get()
      isUp = false
      now += first.remaining() - 100
      // The source fails, so this token is served stale, and for a while from memory.
      const stale = await crm.get()
      now += stale.remaining() - left
      const served = await crm.get().catch((error: unknown) => error)
      if (left >= 1) expect(served).toBeInstanceOf(Token)
      if (served instanceof Token) expect(served.remaining()).toBeGreaterThanOrEqual(1)
      else expect(served).toBeInstanceOf(WarmTokenError)
    },
  )
})
