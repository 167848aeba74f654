import { type Generation, numberOf, numberOfRoot, type Root } from './generations.ts'
import { matchesPattern } from './patterns.ts'

/** The numbers that an entry rests on: those that were read before its load began. */
export interface Under {
  /** Each tag, with the number that it had. */
  readonly tags: readonly (readonly [tag: string, number: number])[]
  /** The largest number in the root record. */
  readonly root: number
}

/** What a look has seen, or this environment knows. `undefined`: the record is damaged. */
export interface View {
  /** The generations of tags. A tag that was not read is not in it. */
  readonly tags: ReadonlyMap<string, Generation | undefined>
  readonly root: Root | undefined
}

/** The least number that this environment has seen for a tag; 0 for none. Key `''` is the root's. */
export type Known = (tag: string) => number

/**
 * What may be done with an entry.
 * `good`: use it. `stale`: use it while it is refreshed. `dead`: never use it, not even when a load fails.
 * `unread`: the entry has tags that the look did not read; read them, and judge again.
 */
export type Judgement =
  | { readonly outcome: 'good' | 'stale' }
  | { readonly outcome: 'dead'; readonly lost: readonly string[] }
  | { readonly outcome: 'unread'; readonly tags: readonly string[] }

/**
 * Judges an entry by the numbers of its tags, of everything, and of the patterns that match its key. A damaged record
 * forbids what rests on it; so does one whose number is lower than the entry or this environment has seen: it was lost
 * (`lost` names those tags, `''` the root).
 */
export function judge(key: string, under: Under, view: View, known: Known): Judgement {
  const unread = under.tags.flatMap(([tag]) => (view.tags.has(tag) ? [] : [tag]))
  if (unread.length > 0) return { outcome: 'unread', tags: unread }
  const lost: string[] = []
  let worst: 'good' | 'stale' | 'dead' = 'good'
  const forbid = (generation: Generation, number: number): void => {
    if (generation.hard > number) worst = 'dead'
    else if (generation.soft > number && worst === 'good') worst = 'stale'
  }
  for (const [tag, number] of under.tags) {
    const generation = view.tags.get(tag)
    if (generation === undefined) worst = 'dead'
    else if (numberOf(generation) < Math.max(number, known(tag))) lost.push(tag)
    else forbid(generation, number)
  }
  const { root } = view
  if (root === undefined) worst = 'dead'
  else if (numberOfRoot(root) < Math.max(under.root, known(''))) lost.push('')
  else {
    forbid(root, under.root)
    for (const pattern of root.patterns) if (matchesPattern(key, pattern.text)) forbid(pattern, under.root)
  }
  return worst === 'dead' || lost.length > 0 ? { outcome: 'dead', lost } : { outcome: worst }
}
