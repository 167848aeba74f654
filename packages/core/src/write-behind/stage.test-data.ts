/** A fleet of environments with one store, one truth that honors numbers, and a clock that moves when a test says so. */

import type { Store } from '../contracts.ts'
import { type VirtualRuntime, virtualRuntime } from '../lib/virtual-runtime.test-data.ts'
import { memoryStore } from '../stores/memory.ts'
import type { BehindEvent } from './events.ts'
import type { AppliedWrite, WriteBehind, WriteBehindOptions } from './types.ts'
import { writeBehind } from './write-behind.ts'

/** What the truth took of one key. */
export interface Taken {
  readonly values: unknown[]
  last: number
}

/** What `apply` was called with. */
export interface Call extends Omit<AppliedWrite, 'signal'> {
  readonly key: string
  readonly value: unknown
}

/** A fleet, as a test uses it. */
export interface Stage extends VirtualRuntime {
  readonly store: Store
  /** The same store, whose requests are listed. */
  readonly counted: Store
  readonly truth: Map<string, Taken>
  readonly calls: Call[]
  readonly events: BehindEvent[]
  readonly requests: string[]
  /** What `apply` does for a key before it takes the value. */
  readonly failing: Map<string, () => unknown>
  environment<V = unknown>(
    options?: Partial<WriteBehindOptions<'item:{id}', V>>,
  ): WriteBehind<{ readonly id: string | number }, V>
  valuesOf(key: string | number): readonly unknown[]
  only<Type extends BehindEvent['type']>(type: Type): readonly Extract<BehindEvent, { type: Type }>[]
}

/** Makes a fleet. */
export function stage(start?: number): Stage {
  const clock = virtualRuntime(start)
  const store = memoryStore({ wall: clock.now })
  const truth = new Map<string, Taken>()
  const calls: Call[] = []
  const events: BehindEvent[] = []
  const requests: string[] = []
  const failing = new Map<string, () => unknown>()

  const counted: Store = {
    name: 'memory',
    read: (key, options) => {
      requests.push(`read ${key.split('~')[0]}`)
      return store.read(key, options)
    },
    readMany: async (keys, options) => {
      requests.push(`readMany ${keys.length}`)
      return new Map(await Promise.all(keys.map(async (key) => [key, await store.read(key, options)] as const)))
    },
    swap: (key, swap, options) => {
      requests.push(`swap ${key.split('~')[0]}`)
      return store.swap(key, swap, options)
    },
  }
  const apply = async ({ id: key }: { readonly id: string | number }, value: unknown, write: AppliedWrite) => {
    const { n, id, merged } = write
    calls.push({ key: String(key), value, n, id, merged })
    await failing.get(String(key))?.()
    const taken = truth.get(String(key)) ?? { values: [], last: 0 }
    if (n <= taken.last) return
    taken.values.push(value)
    taken.last = n
    truth.set(String(key), taken)
  }
  const environment = <V = unknown>(options: Partial<WriteBehindOptions<'item:{id}', V>> = {}) =>
    writeBehind<'item:{id}', V>({
      store: counted,
      name: 'test',
      key: 'item:{id}',
      apply,
      runtime: clock.runtime,
      onEvent: (event) => void events.push(event),
      ...options,
    })
  const valuesOf = (key: string | number) => truth.get(String(key))?.values ?? []
  const only = <Type extends BehindEvent['type']>(type: Type) =>
    events.filter((event): event is Extract<BehindEvent, { type: Type }> => event.type === type)
  return { ...clock, store, counted, truth, calls, events, requests, failing, environment, valuesOf, only }
}
