import type { Store } from '@warmtoken/core'
import { frontedStore } from '@warmtoken/core/fronted'
import { memoryStore } from '@warmtoken/core/memory'
import type { Backend } from './backend.ts'

function inProcess(name: string, make: () => Store): Backend {
  return {
    name,
    async start() {
      const store = make()
      return { url: undefined, sharesClock: true, answers: {}, connect: () => store, close: async () => {} }
    },
  }
}

/** The store in this process. */
export const memory: Backend = inProcess('memory', memoryStore)

/** A front before an authority, both in this process. */
export const fronted: Backend = inProcess('fronted(memory, memory)', () =>
  frontedStore({ front: memoryStore(), authority: memoryStore() }),
)
