import { sha256 } from '../lib/hash.ts'
import type { LiveEvent, LiveVersion } from './event.ts'

/** The length of the hash that stands for what was sent, in characters. */
const ID_LENGTH = 16

/** What a stream has told its viewer. */
export interface Told {
  /** Returns of the versions those that are higher than what was told, and counts them as told. */
  risen(current: readonly LiveVersion[]): readonly LiveVersion[]
  /** Whether an event tells something new. Counts it as told then. */
  isNews(event: LiveEvent): boolean
  /** Names all that was told: the same for the same versions of the same topics. */
  id(): string
}

/** Knows as many versions as the topics have, as of the last read of them. */
export function createTold(topics: readonly string[]): Told {
  const followed = new Set(topics)
  const name = ({ topic, key }: Pick<LiveVersion, 'topic' | 'key'>): string => JSON.stringify([topic, key])
  let known = new Map<string, number>()
  const isHigher = (one: LiveVersion): boolean => one.version > (known.get(name(one)) ?? 0)
  return {
    risen(current) {
      const risen = current.filter(isHigher)
      known = new Map(current.map((one) => [name(one), Math.max(one.version, known.get(name(one)) ?? 0)]))
      return risen
    },
    isNews(event) {
      if (!followed.has(event.topic)) return false
      // The refusal of a value that was told.
      if (event.kind === 'reject') return true
      if (!isHigher(event)) return false
      known.set(name(event), event.version)
      return true
    },
    id: () =>
      sha256(JSON.stringify([topics, [...known].sort(([one], [other]) => (one < other ? -1 : 1))])).slice(0, ID_LENGTH),
  }
}
