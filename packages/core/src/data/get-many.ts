import { misuse } from '../lib/options.ts'
import type { Home } from './home.ts'

/** How many values one call may ask for. */
const MAX_LIST = 10_000
/** How many misses are looked for together: as many as DynamoDB reads by five requests. */
const CHUNK = 500
/** The same where the store reads key by key: a request's time is that of all reads of a chunk. */
const CHUNK_BY_ONE = 32

/** How a resource serves many values. */
export interface ManyParts<P, V> {
  /** A copy of parameters. Throws `TypeError` for those that are wrong. */
  readonly check: (params: P) => P
  /** The value in memory, with no I/O. */
  readonly hit: (params: P) => { readonly value: V | undefined } | undefined
  /** The value by all tiers and the loader. */
  readonly get: (params: P, timeout: number) => Promise<V | undefined>
}

/**
 * Gets many values: memory first, then all misses of a chunk by one look, whose leases are asked for side by side. What was
 * won is loaded at once, and what others are loading is polled together.
 */
export async function getMany<P, V>(
  home: Home,
  list: readonly P[],
  { check, hit, get, timeout }: ManyParts<P, V> & { readonly timeout: number | undefined },
): Promise<readonly (V | undefined | Error)[]> {
  if (!Array.isArray(list) || list.length > MAX_LIST) misuse('getMany', `give a list of at most ${MAX_LIST} parameters`)
  const wanted = list.map(check)
  const results = new Array<V | undefined | Error>(list.length)
  const missing: number[] = []
  for (const [index, params] of wanted.entries()) {
    const view = hit(params)
    if (view === undefined) missing.push(index)
    else results[index] = view.value
  }
  if (missing.length === 0) return results
  const { clock, policy, store } = await home.reach()
  const endsAt = clock.fast() + (timeout ?? policy.timeout)
  const size = store.readMany === undefined ? CHUNK_BY_ONE : CHUNK
  const close = home.gather.open()
  try {
    for (let start = 0; start < missing.length; start += size) {
      const left = Math.max(1, endsAt - clock.fast())
      const serve = async (index: number): Promise<void> => {
        // An index of the list.
        results[index] = await get(wanted[index] as P, left).catch(asError)
      }
      await Promise.all(missing.slice(start, start + size).map(serve))
    }
  } finally {
    close()
  }
  return results
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error('the value is not available')
}
