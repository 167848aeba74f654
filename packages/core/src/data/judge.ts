import { type Generation, numberOf, numberOfRoot, type Root } from './generations.ts'
import { matchesPattern } from './patterns.ts'

/** The numbers that an entry rests on: those that were read before its load began. */
export interface Under {
  /** Each tag, with the number that it had. */
  readonly tags: readonly (readonly [tag: string, number: number])[]
  /** The largest number in the root record. */
  readonly root: number
}

/** The generations that are known. `undefined`: never read. `damaged`: its record is garbage, or lost a number. */
export interface View {
  tag(tag: string): Generation | 'damaged' | undefined
  readonly root: Root | 'damaged' | undefined
}

/**
 * What may be done with an entry.
 * `good`: use it. `stale`: use it while it is refreshed. `dead`: never use it, not even when a load fails.
 * `unread`: it rests on what was never read. `lost`: a number is lower than the entry has seen, so its record was lost
 * unless it was read before the entry was (`''` is the root).
 */
export type Judgement =
  | { readonly outcome: 'good' | 'stale' | 'dead' }
  | { readonly outcome: 'unread' | 'lost'; readonly tags: readonly string[] }

/**
 * Judges an entry by the numbers of its tags, of everything, and of the patterns that match its key. A damaged record
 * forbids what rests on it.
 */
export function judge(key: string, under: Under, view: View): Judgement {
  let worst: 'good' | 'stale' | 'dead' = 'good'
  const unread: string[] = []
  const lost: string[] = []
  const forbid = ({ hard, soft }: Generation, number: number): void => {
    if (hard > number) worst = 'dead'
    else if (soft > number && worst === 'good') worst = 'stale'
  }
  for (const [tag, number] of under.tags) {
    const generation = view.tag(tag)
    if (generation === undefined) unread.push(tag)
    else if (generation === 'damaged') worst = 'dead'
    else if (numberOf(generation) < number) lost.push(tag)
    else forbid(generation, number)
  }
  const { root } = view
  if (root === undefined) unread.push('')
  else if (root === 'damaged') worst = 'dead'
  else if (numberOfRoot(root) < under.root) lost.push('')
  else {
    forbid(root, under.root)
    for (const pattern of root.patterns) if (matchesPattern(key, pattern.text)) forbid(pattern, under.root)
  }
  if (unread.length > 0) return { outcome: 'unread', tags: unread }
  return lost.length > 0 ? { outcome: 'lost', tags: lost } : { outcome: worst }
}
