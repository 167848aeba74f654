import { setTimeout as sleep } from 'node:timers/promises'

/** Polls until the condition gives something, and returns it. Throws after `bound` ms; generous, so only a fault meets it. */
export async function until<T>(what: string, condition: () => T | Promise<T>, bound = 30_000): Promise<NonNullable<T>> {
  const end = performance.now() + bound
  while (performance.now() < end) {
    const found = await condition()
    if (found) return found
    await sleep(20)
  }
  throw new Error(`waited ${bound} ms in vain for: ${what}`)
}
