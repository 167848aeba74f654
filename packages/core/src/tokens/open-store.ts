import type { Store } from '../contracts.ts'
import type { WarmEvent } from '../events.ts'
import type { Bus } from '../observe/bus.ts'
import { warnUnheard } from '../observe/warnings.ts'

/**
 * Resolves to the store when one is first needed: the given one, else one in this process. From then on something can go
 * wrong, so events that nobody hears may become warnings.
 */
export async function openStore(store: Store | undefined, bus: Bus<WarmEvent>): Promise<Store> {
  bus.watch = (event) => {
    if (!bus.listening()) warnUnheard(event)
  }
  if (store !== undefined) return store
  const { memoryStore } = await import('../stores/memory.ts')
  return memoryStore()
}
