/** Texts by free keys in a cache of ours: what bridges to other caches share. @module */

import type { Cache } from '../data/types.ts'

/** The longest time that a value is kept, in ms: 400 days. */
const FOREVER = 400 * 86_400_000
/** So many levels of a key can be cleared apart. Clearing a deeper level clears the deepest of these. */
const MAX_LEVELS = 8

/** Values by keys whose levels are separated by `:`. */
export interface Texts {
  /** Resolves to the value; `undefined` when there is none. Nothing is loaded. */
  get(key: string): Promise<unknown>
  /** Keeps a value for so many ms. Default, and at most: 400 days. */
  set(key: string, value: unknown, ttl?: number): Promise<void>
  /** Resolves to whether there was one. */
  delete(key: string): Promise<boolean>
  /** Forgets every key below a level, by one write; without a level all. */
  clear(level?: string): Promise<void>
}

const bound = new WeakMap<Cache, Map<string, Texts>>()

/** The texts of a name in a cache; the same for each call. */
export function textsOf(cache: Cache, name: string): Texts {
  const known = bound.get(cache) ?? new Map<string, Texts>()
  bound.set(cache, known)
  const texts = known.get(name) ?? makeTexts(cache, name)
  known.set(name, texts)
  return texts
}

function makeTexts(cache: Cache, name: string): Texts {
  const tagOf = (level: string): string => `${name}/${encode(level)}`
  const levelsOf = (key: string): readonly string[] =>
    key
      .split(':')
      .slice(0, -1)
      .slice(0, MAX_LEVELS)
      .map((_, index, levels) => levels.slice(0, index + 1).join(':'))
  const values = cache.use({
    key: `${name}:{key}`,
    fresh: FOREVER,
    tags: ({ key }) => [tagOf(''), ...levelsOf(decodeURIComponent(String(key))).map(tagOf)],
    load: (): unknown => undefined,
  })
  const paramsOf = (key: string) => ({ key: encode(key) })

  return {
    get: async (key) => (await values.inspect(paramsOf(key)))?.value,
    set: (key, value, ttl = FOREVER) => values.set(paramsOf(key), value, { usable: Math.min(ttl, FOREVER) }),
    async delete(key) {
      const params = paramsOf(key)
      const isThere = (await values.inspect(params)) !== undefined
      await values.delete(params)
      return isThere
    },
    clear: (level = '') => cache.invalidate({ tags: [tagOf(level.split(':').slice(0, MAX_LEVELS).join(':'))] }),
  }
}

/** Without `:` and `*`, which separate the parts of our keys and patterns. */
function encode(text: string): string {
  return encodeURIComponent(text).replaceAll('*', '%2A')
}
