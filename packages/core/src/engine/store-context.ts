import type { Runtime, Store } from '../contracts.ts'
import type { Listener } from '../events.ts'
import { systemRuntime } from '../lib/runtime.ts'
import type { StoreContext } from './context.ts'
import { DEFAULT_POLICY } from './policy.ts'
import { createClock } from './time/clock.ts'
import { createServerClock } from './time/server-clock.ts'

/** What is known of a store beside the store. */
export interface StoreSettings {
  /** How long one request may take, in ms. Default 800. */
  readonly storeTimeout?: number | undefined
  /** Receives events. Default: none. */
  readonly onEvent?: Listener | undefined
  /** Default: the system's. */
  readonly runtime?: Runtime | undefined
}

/** Makes what requests to a store need, for what uses records without an engine. */
export function createStoreContext(store: Store, settings: StoreSettings = {}): StoreContext {
  const { runtime = systemRuntime, storeTimeout = DEFAULT_POLICY.storeTimeout, onEvent } = settings
  const clock = createClock(runtime)
  const emit: Listener = (event) => {
    try {
      onEvent?.(event)
    } catch {
      // A listener must not change what happens.
    }
  }
  return { store, runtime, clock, server: createServerClock(clock), policy: { ...DEFAULT_POLICY, storeTimeout }, emit }
}
