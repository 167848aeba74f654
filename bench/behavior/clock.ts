/**
 * Moves the time of this process: of `Date`, which the peers and the imitations of issuers read, and of the clocks that
 * warmtoken is given. Timers go on as they are.
 */

import type { Runtime } from '@warmtoken/core'

const RealDate = Date
let ahead = 0

function now(): number {
  return RealDate.now() + ahead
}

/** Takes the place of `Date` in this process. */
export function installClock(): void {
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, given, made) => Reflect.construct(target, given.length === 0 ? [now()] : given, made),
    get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
  })
}

/** Moves it ahead by so many ms. */
export function advance(ms: number): void {
  ahead += ms
}

/** The same clocks for warmtoken. */
export const movedRuntime: Runtime = {
  wall: now,
  monotonic: () => performance.now() + ahead,
  random: Math.random,
  unique: () => crypto.randomUUID(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms)
    return () => clearTimeout(timer)
  },
}
