import { createTokens } from '@warmtoken/core'
import { custom } from '@warmtoken/core/custom'
import { createCache, type Resource } from '@warmtoken/core/data'
import { HOUR, TOKEN, type Variant } from './variant.ts'

async function open(): Promise<Resource<{ readonly id: string | number }, string>> {
  const project = createCache({ name: 'bench', recheck: HOUR }).use({
    key: 'project:{id}:info',
    fresh: HOUR,
    load: async () => TOKEN,
  })
  await project.get({ id: 42 })
  return project
}

/** A value of a typed resource in memory, beside what it is measured by: a token's hit and one Map lookup by a built key. */
export const data: readonly Variant[] = [
  {
    name: 'createCache get',
    form: 'await',
    part: 'ours-data',
    open: async () => {
      const project = await open()
      const params = { id: 42 }
      return () => project.get(params)
    },
  },
  {
    name: 'createCache peek',
    form: 'sync',
    part: 'ours-data',
    open: async () => {
      const project = await open()
      const params = { id: 42 }
      return () => project.peek(params)
    },
  },
  {
    name: 'warmtoken get + Map lookup by a built key',
    form: 'await',
    part: 'ours-data',
    open: async () => {
      const handle = createTokens({ directory: false }).use(
        custom({ identity: 'warm', fetch: async () => ({ value: TOKEN, lifetime: HOUR }) }),
      )
      await handle.get()
      const handles = new Map([['project:42:info', handle]])
      const params = { id: 42 }
      return () => handles.get(`project:${params.id}:info`)?.get()
    },
  },
]
