import type { LiveEvent, LiveListener } from './types.ts'

/** The most keys whose versions are known; the oldest are forgotten, and may be told once more. */
const MAX_SEEN = 10_000

/** The listeners of topics, and what they got. */
export interface Topics {
  names(): string[]
  /** Adds a listener. Returns whether the topic is new. */
  add(topic: string, listener: LiveListener): boolean
  /** Removes a listener. Returns whether the topic is left. */
  remove(topic: string, listener: LiveListener): boolean
  /** Calls the listeners, unless they got this version of the key or a later one. */
  tell(event: LiveEvent): void
}

/** Settles order and duplicates, for each key on its own. */
export function createTopics(): Topics {
  const topics = new Map<string, Set<LiveListener>>()
  const seen = new Map<string, number>()
  return {
    names: () => [...topics.keys()],
    add(topic, listener) {
      const known = topics.get(topic)
      topics.set(topic, (known ?? new Set()).add(listener))
      return !known
    },
    remove(topic, listener) {
      const listeners = topics.get(topic)
      if (!listeners?.delete(listener) || listeners.size > 0) return false
      topics.delete(topic)
      for (const name of seen.keys()) if (name.startsWith(`${topic}\n`)) seen.delete(name)
      return true
    },
    tell(event) {
      const { topic, key = '', kind, version } = event
      const listeners = topics.get(topic)
      const name = `${topic}\n${key}`
      // What was refused or outdated comes after its own version, and before the next.
      const rank = kind === 'publish' || kind === 'gap' ? version : version + 0.5
      if (!listeners || !(rank > (seen.get(name) ?? 0))) return
      seen.delete(name)
      seen.set(name, rank)
      for (const oldest of seen.keys()) {
        if (seen.size <= MAX_SEEN) break
        seen.delete(oldest)
      }
      for (const listener of listeners) {
        try {
          listener(event)
        } catch (error) {
          setTimeout(() => {
            throw error
          })
        }
      }
    },
  }
}
