import { type Control, parseControl, printControl, sameControl } from './control.ts'
import {
  type Generation,
  isPlausible,
  NO_GENERATION,
  NO_ROOT,
  numberOf,
  numberOfRoot,
  type Root,
} from './generations.ts'
import type { View } from './judge.ts'

/** How many tags an environment knows the generations of, at most. One that was forgotten is read again. */
const MAX_KNOWN = 10_000

/** What one request has shown of a generation record; `undefined`: garbage. */
export interface Sight<G> {
  readonly generation: G | undefined
  /** `clock.fast()` before the request was sent, and when its answer was there. */
  readonly sentAt: number
  readonly gotAt: number
  /** The time on the server is this or earlier. A known number that is far beyond it is forgotten. */
  readonly latest: number
}

/** What an environment knows of one record. */
interface Known<G> {
  /** The highest numbers that were seen. */
  readonly generation: G
  /** `clock.fast()` before the latest request was sent that showed it. */
  readonly checkedAt: number
  /** When the numbers rose last. What a request shows that was sent earlier may be older. */
  readonly roseAt: number
  readonly damaged: boolean
}

/** How a sight compares with what was known. `first`: nothing was, and it has a number. */
export type Observed = 'same' | 'first' | 'risen' | 'garbage' | 'lost'

/** The generations that an environment knows. Numbers only rise. */
export interface Knowledge extends View {
  /** When a tag was last checked (`''`: the root), by `clock.fast()`; `-Infinity` for one that was never read. */
  checkedAt(tag: string): number
  /** The numbers that a load which begins now rests on. */
  numberOf(tag: string): number
  /** The number that a tag had at an instant, if it is known and has not risen since; otherwise 0. */
  numberAsOf(tag: string, at: number): number
  seeTag(tag: string, sight: Sight<Generation>): Observed
  seeRoot(sight: Sight<Root>): Observed
  /** Marks a record whose number is lower than an entry has seen; `least` becomes its number. */
  lose(tag: string, least: number): void
  /** The same view, but what was never read counts as never invalidated. */
  readonly assumed: View
  /** Takes over switches that this environment has just written. */
  obey(control: Control): void
  /** The switches in the root record. The same object until they change. */
  readonly control: Control
}

/** Makes the knowledge of an environment that has read nothing. */
export function createKnowledge(): Knowledge {
  const tags = new Map<string, Known<Generation>>()
  let root: Known<Root> | undefined
  let control: Control = {}

  const get = (tag: string): Known<Generation | Root> | undefined => (tag === '' ? root : tags.get(tag))
  const put = (tag: string, known: Known<Generation>): void => {
    tags.delete(tag)
    tags.set(tag, known)
    if (tags.size > MAX_KNOWN) tags.delete(tags.keys().next().value ?? tag)
  }

  const tagOf = (tag: string): ReturnType<View['tag']> => {
    const known = tags.get(tag)
    return known?.damaged ? 'damaged' : known?.generation
  }
  const rootOf = (): View['root'] => (root?.damaged ? 'damaged' : root?.generation)

  return {
    tag: tagOf,
    get root() {
      return rootOf()
    },
    assumed: {
      tag: (tag) => tagOf(tag) ?? NO_GENERATION,
      get root() {
        return rootOf() ?? NO_ROOT
      },
    },
    get control() {
      return control
    },
    checkedAt: (tag) => get(tag)?.checkedAt ?? Number.NEGATIVE_INFINITY,
    numberOf: (tag) =>
      tag === '' ? numberOfRoot(root?.generation ?? NO_ROOT) : numberOf(tags.get(tag)?.generation ?? NO_GENERATION),
    numberAsOf(tag, at) {
      const known = tags.get(tag)
      return known !== undefined && known.roseAt < at ? numberOf(known.generation) : 0
    },
    seeTag(tag, sight) {
      const [known, observed] = merge(tags.get(tag), sight, { none: NO_GENERATION, numberOf, join: joinNumbers })
      put(tag, known)
      return observed
    },
    seeRoot(sight) {
      const [known, observed] = merge(root, sight, { none: NO_ROOT, numberOf: numberOfRoot, join: joinRoots })
      root = known
      if (!sameControl(control, known.generation.control)) control = parseControl(known.generation.control)
      return observed
    },
    obey(next) {
      if (root !== undefined) root = { ...root, generation: { ...root.generation, control: printControl(next) } }
      control = next
    },
    lose(tag, least) {
      const before = get(tag)
      if (before === undefined) return
      const hard = Math.max(least, before.generation.hard)
      if (tag !== '') put(tag, { ...before, generation: { ...before.generation, hard }, damaged: true })
      else if (root !== undefined) root = { ...root, generation: { ...root.generation, hard }, damaged: true }
    },
  }
}

interface Form<G> {
  readonly none: G
  readonly numberOf: (generation: G) => number
  readonly join: (before: G, after: G) => G
}

function merge<G>(known: Known<G> | undefined, sight: Sight<G>, form: Form<G>): readonly [Known<G>, Observed] {
  const { generation, sentAt, gotAt, latest } = sight
  // The clock of the store was far ahead when it was seen: a repair above it would be damage.
  const isBelieved = known !== undefined && isPlausible(form.numberOf(known.generation), latest)
  const before = isBelieved ? known : undefined
  const last = before ?? { generation: form.none, checkedAt: sentAt, roseAt: Number.NEGATIVE_INFINITY, damaged: false }
  const checkedAt = Math.max(last.checkedAt, sentAt)
  if (generation === undefined) {
    // Sent before the record was written again: the answer is late.
    if (sentAt <= last.roseAt) return [last, 'same']
    return [{ ...last, checkedAt, damaged: true }, 'garbage']
  }
  const [was, is] = [form.numberOf(last.generation), form.numberOf(generation)]
  if (is < was) {
    // Sent before the higher number was seen: it may have been answered before that number was written.
    if (sentAt <= last.roseAt) return [last, 'same']
    return [{ ...last, checkedAt, damaged: true }, 'lost']
  }
  const joined = form.join(last.generation, generation)
  if (is > was || before === undefined) {
    const observed = is === was ? 'same' : before === undefined ? 'first' : 'risen'
    return [{ generation: joined, checkedAt, roseAt: gotAt, damaged: false }, observed]
  }
  // What lost a number is whole again only above it.
  return [{ ...last, generation: sentAt < last.checkedAt ? last.generation : joined, checkedAt }, 'same']
}

function joinNumbers(before: Generation, after: Generation): Generation {
  return { hard: Math.max(before.hard, after.hard), soft: Math.max(before.soft, after.soft) }
}

/** The later root, which holds or has folded every pattern of the earlier one. */
function joinRoots(before: Root, after: Root): Root {
  return { ...after, ...joinNumbers(before, after) }
}
