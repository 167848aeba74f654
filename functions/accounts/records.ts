import { createHash } from 'node:crypto'
import type { Store } from '@warmtoken/core'

/** How often a change is tried. */
const MAX_ATTEMPTS = 20
/** How long the store may take for all of it, in ms. */
const TIMEOUT = 5_000

/** What a change makes of a record: the next text (`undefined`: leave it), and a result. */
export interface Changed<T> {
  readonly body: string | undefined
  readonly result: T
}

/** Changes a record by compare-and-swap. `change` gets the text that is there and the server's time in ms. */
export async function changeRecord<T>(
  store: Store,
  key: string,
  change: (body: string | undefined, now: number) => Changed<T>,
): Promise<T> {
  const signal = AbortSignal.timeout(TIMEOUT)
  let seen = await store.read(key, { signal, consistent: true })
  let tag = crypto.randomUUID()
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const now = seen.time?.at ?? Date.now()
    const { body, result } = change(seen.image?.body, now)
    if (body === undefined) return result
    const swap = { expected: seen.image, body, tag, keepUntil: now + 400 * 86_400_000 }
    const swapped = await store.swap(key, swap, { signal })
    if (swapped.outcome === 'swapped') return result
    // The answer was lost: the same write again is harmless.
    if (swapped.outcome === 'unknown') continue
    if (swapped.seen.image?.tag === tag) return result
    seen = swapped.seen
    tag = crypto.randomUUID()
  }
  throw new Error(`the store took no change of ${key}`)
}

/** A key that shows nothing of what it is for. */
export function keyOf(kind: string, ...parts: readonly string[]): string {
  return `${kind}~${createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 40)}`
}
