import type { Live, LiveEvent } from './types.ts'

/** What a process holds in memory: a handle of `createTokens`, a cache of `createCache`, or anything with such a method. */
export interface Bridged {
  /** The key under which the store has it, where it is one value: its topic is `key:<key>`. */
  readonly key?: string
  /** Takes in what has changed. What it throws or rejects with is ignored. */
  catchUp(event: LiveEvent): unknown
}

/**
 * Feeds the memory of a process that lives long: what it holds catches up with the store when the store has changed, and not only
 * when it expires. `topics`: default that of the key. Returns what ends it. Throws `TypeError` without a topic.
 *
 * @example
 * ```ts
 * bridge(events, crm)
 * bridge(events, shop, [shop.topic, 'tag:team:7', products.topicOf({ id: 7 })])
 * ```
 */
export function bridge(live: Live, held: Bridged, topics: readonly string[] = topicsOf(held)): () => void {
  if (topics.length === 0) throw new TypeError('bridge: give the topics of what has no key')
  const pass = async (event: LiveEvent): Promise<void> => {
    try {
      await held.catchUp(event)
    } catch {
      // What it holds is as it was; an unhandled rejection would end the process.
    }
  }
  const ends = topics.map((topic) => live.subscribe(topic, (event) => void pass(event)))
  return () => {
    for (const end of ends) end()
  }
}

function topicsOf({ key }: Bridged): readonly string[] {
  return key === undefined ? [] : [`key:${key}`]
}
