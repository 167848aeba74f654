import type { WarmEvent } from '../events.ts'

type Listener = (event: WarmEvent) => void

const quiet = new WeakSet<Listener>()

/** Marks a listener that has no use for hits in memory: for it alone, none becomes an event. */
export function markQuiet<T extends Listener>(listener: T): T {
  quiet.add(listener)
  return listener
}

/** Whether a listener was marked. */
export function isQuiet(listener: Listener): boolean {
  return quiet.has(listener)
}
