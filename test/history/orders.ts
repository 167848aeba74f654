import type { Orders } from './protocol.ts'

/** The orders in a thread's data. Throws when they are none. */
export function parseOrders(data: unknown): Orders {
  const orders = data as Partial<Orders> | undefined
  const { address, issuerUrl, file, seed, permits } = orders ?? {}
  if (address === undefined || issuerUrl === undefined || file === undefined || seed === undefined || !permits)
    throw new TypeError('a worker needs orders')
  return { address, issuerUrl, file, seed, permits }
}
