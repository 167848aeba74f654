import { createTokens, type Store, type TokenHandle } from '@warmtoken/core'
import { custom } from '@warmtoken/core/custom'
import { type Filled, HOUR, newToken, type Variant } from './variant.ts'

/** How many are asked for side by side while it is filled. */
const TOGETHER = 500

/** A store that takes everything and keeps nothing: what it would hold is not memory of the memory tier. */
const nowhere: Store = {
  name: 'nowhere',
  read: async () => ({ image: undefined, time: { at: Date.now(), precision: 0 } }),
  swap: async (_key, { body, tag }) => ({
    outcome: 'swapped',
    image: { body, tag },
    time: { at: Date.now(), precision: 0 },
  }),
}

async function fill(size: number): Promise<(n: number) => TokenHandle> {
  const source = custom<{ readonly tenant: string }>({
    identity: ({ tenant }) => tenant,
    fetch: async () => ({ value: newToken(), lifetime: HOUR }),
  })
  const family = createTokens({ store: nowhere, directory: false, maxEntries: size + 1 }).use(source)
  const handleOf = (n: number): TokenHandle => family.for({ tenant: `tenant-${n}` })
  for (let start = 0; start < size; start += TOGETHER) {
    const part = Array.from({ length: Math.min(TOGETHER, size - start) }, (_, n) => handleOf(start + n).get())
    await Promise.all(part)
  }
  return handleOf
}

/** The toolkit, by its handles. */
export const ours: readonly Variant[] = [
  {
    name: 'warmtoken, handle made for each call',
    part: 'ours',
    fill: async (size): Promise<Filled> => {
      const handleOf = await fill(size)
      return { held: handleOf, get: (n) => handleOf(n).peek()?.value }
    },
  },
  {
    name: 'warmtoken, handles kept',
    part: 'beside',
    fill: async (size): Promise<Filled> => {
      const handleOf = await fill(size)
      const handles = Array.from({ length: size }, (_, n) => handleOf(n))
      return { held: handles, get: (n) => handles[n]?.peek()?.value }
    },
  },
]
