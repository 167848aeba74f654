import {
  createTokens,
  type Runtime,
  type Source,
  type TokenHandle,
  type TokenValue,
  type WarmEvent,
} from '@warmtoken/core'
import { memoryStore } from '@warmtoken/core/memory'

/** Environments that share a store and the time, which can be moved. */
export interface Fleet {
  /** All that happened, in all environments. */
  readonly events: readonly WarmEvent[]
  /** The handle of a source without parameters in an environment of its own. */
  enter(source: Source<TokenValue>): TokenHandle
  /** The same for one with parameters. */
  enterWith<P>(source: Source<TokenValue, P>): (params: P) => TokenHandle
  /** Moves the clocks of all environments, of the store, and of the other parts, in ms. */
  advance(ms: number, ...others: readonly { advance(ms: number): void }[]): void
}

/** A fleet without a file tier. */
export function createFleet(): Fleet {
  let ahead = 0
  const events: WarmEvent[] = []
  const runtime: Runtime = {
    wall: () => Date.now() + ahead,
    monotonic: () => performance.now() + ahead,
    random: Math.random,
    unique: () => crypto.randomUUID(),
    after(ms, callback) {
      const timer = setTimeout(callback, ms)
      return () => clearTimeout(timer)
    },
  }
  const store = memoryStore({ wall: runtime.wall })
  const open = () => createTokens({ store, runtime, directory: false, onEvent: (event) => events.push(event) })
  return {
    events,
    enter: (source) => open().use(source),
    enterWith(source) {
      const tokens = open()
      return (params) => tokens.use(source).for(params)
    },
    advance(ms, ...others) {
      ahead += ms
      for (const other of others) other.advance(ms)
    },
  }
}
