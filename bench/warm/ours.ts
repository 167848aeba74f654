import { createTokens, type TokenHandle } from '@warmtoken/core'
import { custom } from '@warmtoken/core/custom'
import { HOUR, TOKEN, type Variant } from './variant.ts'

async function open(): Promise<TokenHandle> {
  const source = custom({ identity: 'warm', fetch: async () => ({ value: TOKEN, lifetime: HOUR }) })
  const handle = createTokens({ directory: false }).use(source)
  await handle.get()
  return handle
}

/** A memory hit as users have it. */
export const ours: readonly Variant[] = [
  {
    name: 'warmtoken peek',
    form: 'sync',
    part: 'ours',
    open: async () => {
      const handle = await open()
      return () => handle.peek()
    },
  },
  {
    name: 'warmtoken get',
    form: 'await',
    part: 'ours',
    open: async () => {
      const handle = await open()
      return () => handle.get()
    },
  },
]
