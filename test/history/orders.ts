import type { Orders } from './protocol.ts'

/** The orders in a thread's data. Throws when they are none. */
export const parseOrders = (data: unknown): Orders => {
  const orders = data as Partial<Orders> | undefined
  const { address, issuerUrl, file, seed, permits } = orders ?? {}
  if (address === undefined || issuerUrl === undefined || file === undefined || seed === undefined || !permits)
    throw new TypeError('a worker needs orders')
  return { address, issuerUrl, file, seed, permits }
}

/** A seeded source of numbers in [0, 1): mulberry32. */
export const seededRandom = (seed: number): (() => number) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
