import type { Runtime, Store } from '../contracts.ts'
import { memoryStore } from '../stores/memory.ts'
import type { SessionEvent } from './events.ts'
import type { SessionsOptions } from './options.ts'
import { createSessions, type Sessions } from './sessions.ts'

/** The time at which every test begins. */
export const START = 1_800_000_000_000

/** One environment of a test. */
export interface Member<Data, User> {
  readonly sessions: Sessions<Data, User>
  readonly events: SessionEvent[]
  /** Requests that this environment sent. */
  readonly reads: () => number
  readonly swaps: () => number
  /** Stops its monotonic clock, as a freeze may. */
  freeze(): void
  thaw(): void
  /** Steps its wall clock. */
  step(ms: number): void
  reasons(): readonly string[]
}

/** Environments on one store and one fake time. */
export interface Fleet {
  readonly store: Store
  /** Moves the time of every member. */
  advance(ms: number): void
  now(): number
  member<Data, User>(options?: Partial<SessionsOptions<Data, User>>): Member<Data, User>
  /** Every store request fails while it is set. */
  down: boolean
  /** Called before each request reaches the store. */
  before: (operation: 'read' | 'swap', key: string) => void | Promise<void>
}

/** Makes a fleet without members. */
export function createFleet(): Fleet {
  let time = START
  const shared = memoryStore({ wall: () => time })

  const fleet: Fleet = {
    store: shared,
    advance(ms) {
      time += ms
    },
    now: () => time,
    down: false,
    before: () => {},
    member(options = {}) {
      const events: SessionEvent[] = []
      let [reads, swaps, marks, skew, frozenAt, frozen] = [0, 0, 0, 0, undefined as number | undefined, 0]
      const runtime: Runtime = {
        wall: () => time + skew,
        monotonic: () => (frozenAt ?? time) - frozen,
        random: () => 0.5,
        unique: () => `${Math.random()}.${marks++}`,
        // Only short pauses end here; a timeout never fires.
        after(ms, callback) {
          const timer = ms < 500 ? setTimeout(callback, 0) : undefined
          return () => clearTimeout(timer)
        },
      }
      const guard = async <T>(operation: 'read' | 'swap', key: string, call: () => Promise<T>): Promise<T> => {
        await fleet.before(operation, key)
        if (fleet.down) throw Object.assign(new Error('down'), { code: 'STORE_UNAVAILABLE', retryable: true })
        return call()
      }
      const store: Store = {
        name: 'counting',
        read(key, how) {
          reads += 1
          return guard('read', key, () => (options.store ?? shared).read(key, how))
        },
        swap(key, swap, how) {
          swaps += 1
          return guard('swap', key, () => (options.store ?? shared).swap(key, swap, how))
        },
      }
      const sessions = createSessions({ runtime, onEvent: (event) => events.push(event), ...options, store })
      return {
        sessions,
        events,
        reads: () => reads,
        swaps: () => swaps,
        freeze() {
          frozenAt = time
        },
        thaw() {
          frozen += time - (frozenAt ?? time)
          frozenAt = undefined
        },
        step(ms) {
          skew += ms
        },
        reasons: () => events.flatMap((event) => (event.type === 'session-refused' ? [event.reason] : [])),
      }
    },
  }
  return fleet
}
