import type { Image, ReadOptions, Seen, ServerTime, Store, Swap, Swapped } from '../contracts.ts'
import { checkOptions, durationRule, functionRule, shaped } from '../lib/options.ts'
import { parseJson } from '../lib/parse.ts'

/** How often a copy is put into the front before it is left as it is. */
const COPY_ATTEMPTS = 2
/** How long the front is left alone after it failed, in ms. */
const FRONT_PAUSE = 2_000

/** How {@link frontedStore} is set up. Durations are in ms. */
export interface FrontedStoreOptions {
  /** The near store: fast, may forget, may be down. It must compare tags (Redis, Upstash, DynamoDB, memory; not S3). */
  readonly front: Store
  /** The store that decides. Every swap goes to it. */
  readonly authority: Store
  /** How long any call waits for the front, or for a new connection to it after the first. Default 150. */
  readonly frontTimeout?: number
  /** How far the clocks of the two servers may be apart. Default 500. */
  readonly skew?: number
  /** How long the front keeps a copy that was read from the authority. Default 86,400,000 (a day). */
  readonly keep?: number
  /** Receives failures of the front. What it throws is ignored. Default none. */
  readonly onProblem?: (problem: FrontProblem) => void
}

/** Something that went wrong with a front. The call went on without it. */
export interface FrontProblem {
  /** What was asked of the front. */
  readonly operation: 'open' | 'read' | 'copy'
  /** The key; of many, the first; empty for `open`. */
  readonly key: string
  /** What the front rejected with; `undefined` when it did not answer in time. */
  readonly cause: unknown
}

const RULES = {
  front: shaped('read', 'swap'),
  authority: shaped('read', 'swap'),
  frontTimeout: durationRule,
  skew: durationRule,
  keep: durationRule,
  onProblem: functionRule,
}

/**
 * A store of two: reads are answered by the front's copy, every swap goes to the authority, and the front is refreshed
 * after. A stale copy costs a conflict, never a wrong write. While the front is down, the authority is read; while the
 * authority is down, the front's copies are read and swaps reject. A consistent read asks the authority, always. Throws
 * `TypeError` that names the option when one is missing or wrong.
 *
 * @example
 * ```ts
 * const store = frontedStore({ front: upstashStore({ url, token }), authority: dynamoDBStore({ table: 'tokens' }) })
 * ```
 */
export function frontedStore(options: FrontedStoreOptions): Store {
  checkOptions('frontedStore', options, RULES, ['front', 'authority'])
  const { front, authority, frontTimeout = 150, skew = 500, keep = 86_400_000 } = options
  const ask = askFront({ ...options, frontTimeout })

  /** Puts an image of the authority into the front. `known` is what the front most likely holds. */
  const copy = async (
    key: string,
    image: Image,
    { keepUntil, known }: { keepUntil: number; known: Image | undefined },
  ) => {
    await ask('copy', key, async (signal) => {
      let expected = known && copyOf(known)
      for (let attempt = 0; attempt < COPY_ATTEMPTS; attempt += 1) {
        const result = await front.swap(key, { expected, ...copyOf(image), keepUntil }, { signal })
        if (result.outcome === 'unknown') throw result.cause
        if (result.outcome === 'swapped') return
        expected = result.seen.image
      }
    })
  }

  const fromAuthority = async (key: string, how: ReadOptions, known: Image | undefined): Promise<Seen> => {
    const seen = await authority.read(key, how)
    if (seen.image !== undefined)
      await copy(key, seen.image, { keepUntil: (seen.time?.at ?? Date.now()) + keep, known })
    return seen
  }

  /** The front's copies; a key that it does not have, or nothing at all, when it has none or fails. */
  const fromFront = async (keys: readonly string[]): Promise<ReadonlyMap<string, Seen>> => {
    const found = await ask('read', keys[0] ?? '', async (signal) => {
      const how = { signal, consistent: false }
      if (front.readMany !== undefined && keys.length > 1) return front.readMany(keys, how)
      return new Map(await Promise.all(keys.map(async (key) => [key, await front.read(key, how)] as const)))
    })
    const copies = new Map<string, Seen>()
    for (const [key, { image, time }] of found ?? []) {
      const original = image && originalOf(image)
      if (original !== undefined) copies.set(key, { image: original, time: widen(time, skew) })
    }
    return copies
  }

  const read = async (key: string, how: ReadOptions): Promise<Seen> => {
    const seen = how.consistent ? undefined : (await fromFront([key])).get(key)
    return seen ?? fromAuthority(key, how, undefined)
  }

  let wasOpen = false
  const openFront = async (): Promise<void> => {
    // The first time it loads a client and connects, for which its own limits hold.
    const limit = wasOpen ? frontTimeout : Number.POSITIVE_INFINITY
    await ask('open', '', async () => front.open?.(), limit)
    wasOpen = true
  }

  return {
    name: `${front.name}+${authority.name}`,
    place: authority.place,
    // A copy that is lost is made again.
    ...(authority.forgets && { forgets: true }),
    async open() {
      await Promise.all([openFront(), authority.open?.()])
    },
    read,
    async readMany(keys, how) {
      const found = new Map(how.consistent ? [] : await fromFront(keys))
      const missing = keys.filter((key) => !found.has(key))
      const rest = missing.length > 1 ? await authority.readMany?.(missing, how) : undefined
      for (const key of missing) found.set(key, rest?.get(key) ?? (await fromAuthority(key, how, undefined)))
      return found
    },
    async swap(key: string, swap: Swap, how): Promise<Swapped> {
      const result = await authority.swap(key, swap, how)
      const { keepUntil, expected: known } = swap
      if (result.outcome === 'swapped') await copy(key, result.image, { keepUntil, known })
      // The copy was stale, or someone else's swap has just been applied and its copy is in progress.
      if (result.outcome === 'conflict' && result.seen.image !== undefined) {
        await copy(key, result.seen.image, { keepUntil, known })
      }
      return result
    },
  }
}

/** Asks the front, for a bounded time, unless it has just failed. Resolves to `undefined` when it gave nothing. */
function askFront({ frontTimeout, onProblem }: FrontedStoreOptions & { readonly frontTimeout: number }) {
  let pausedUntil = 0
  return async <T>(
    operation: FrontProblem['operation'],
    key: string,
    call: (signal: AbortSignal) => Promise<T>,
    limit = frontTimeout,
  ): Promise<T | undefined> => {
    if (performance.now() < pausedUntil) return undefined
    const controller = new AbortController()
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      if (limit !== Number.POSITIVE_INFINITY) timer = setTimeout(() => reject(undefined), limit)
    })
    try {
      return await Promise.race([call(controller.signal), late])
    } catch (cause) {
      pausedUntil = performance.now() + FRONT_PAUSE
      tell(onProblem, { operation, key, cause })
      return undefined
    } finally {
      clearTimeout(timer)
      controller.abort()
    }
  }
}

function tell(listener: FrontedStoreOptions['onProblem'], problem: FrontProblem): void {
  try {
    listener?.(problem)
  } catch {
    // A listener that throws must not take a token away.
  }
}

/** A copy has the original's tag, so that copying twice is once; the mark goes with it, for the authority's next swap. */
function copyOf({ body, tag, mark }: Image): Image {
  return { tag, body: `${JSON.stringify(mark ?? null)}\n${body}` }
}

/** The image in a copy; `undefined` when it is no copy. */
function originalOf({ body, tag }: Image): Image | undefined {
  const end = body.indexOf('\n')
  const mark = end < 0 ? undefined : parseJson(body.slice(0, end))
  if (mark !== null && typeof mark !== 'string') return undefined
  return { tag, body: body.slice(end + 1), ...(mark !== null && { mark }) }
}

/** The front's time as a reading of the authority's clock: what is compared with it was written on that one. */
function widen(time: ServerTime | undefined, skew: number): ServerTime | undefined {
  return time && { at: time.at - skew, precision: time.precision + 2 * skew }
}
