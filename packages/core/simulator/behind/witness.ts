import type { Journal } from '../../src/write-behind/journal.ts'
import { isIdle } from '../../src/write-behind/journal.ts'
import { parseJournal } from '../../src/write-behind/journal-text.ts'
import { type BehindKeys, parseShard } from '../../src/write-behind/shard.ts'
import type { Applied } from '../backend.ts'
import { type Process, START } from '../process.ts'

/** What is checked of a write-behind. */
export type BehindInvariant =
  /** What was accepted is in the journal, or in the truth. */
  | 'B1 not lost'
  /** The truth takes each write once, in the order of the numbers of its key. */
  | 'B2 once, in order'
  /** A journal in which something waits is in the index. */
  | 'B3 indexed'
  /** What was accepted is seen by every read that begins later. */
  | 'B4 visible'
  /** A number stands for one content, and numbers never fall, also after a deletion. */
  | 'B5 one number'
  /** A call ends in time, and fails by a typed error. */
  | 'B6 ends'

/** A broken promise. */
export interface BehindViolation {
  readonly invariant: BehindInvariant
  readonly at: number
  readonly what: string
}

/** Numbers are believed up to here. */
const LATEST = START * 2
/** How many parsed values are remembered. */
const MAX_LISTS = 1_000

/** What the truth and the witness know of one key. */
interface KeyState {
  /** The number that the truth took last. */
  last: number
  /** The last write that it took. */
  value: string | undefined
  /** The highest number that a journal gave. */
  highest: number
  /** The number under which each write waits or waited. */
  readonly numberOf: Map<string, number>
  /** The same of those that the truth has not taken. */
  readonly waiting: Map<string, number>
  /** What each number stands for. */
  readonly contentOf: Map<number, string>
  /** The highest number that was acknowledged. */
  floor: number
  journal: Journal | undefined
}

/** Sees every write to the store and to the truth. */
export interface BehindWitness {
  readonly violations: BehindViolation[]
  violate(invariant: BehindInvariant, what: string): void
  onApply(applied: Applied): void
  /** The truth is asked to take a write: it refuses numbers that are not higher than the last. */
  take(key: string, n: number, ids: readonly string[]): void
  /** The last write that the truth took. */
  truthOf(key: string): string | undefined
  /** A write was acknowledged. */
  onAccepted(key: string, id: string, n: number): void
  /** The highest number that was acknowledged so far. */
  floorOf(key: string): number
  checkRead(key: string, value: string | undefined, floor: number): void
  /** A process is about to give up the poison of a key. */
  onGiveUp(process: Process, key: string): void
  /** After the last drain: everything that was accepted is in the truth. */
  checkEnd(): void
}

/** How a witness is made. */
export interface BehindWitnessOptions {
  readonly now: () => number
  readonly image: (key: string) => { readonly body: string } | undefined
  readonly keys: BehindKeys
  readonly onSeen: (name: string) => void
}

/** Makes the witness of one run. */
export function createBehindWitness({ now, image, keys, onSeen }: BehindWitnessOptions): BehindWitness {
  const violations: BehindViolation[] = []
  const states = new Map<string, KeyState>()
  const taken = new Set<string>()
  const accepted = new Set<string>()
  const givenUp = new Set<string>()
  const givingUp = new Map<Process, Set<string>>()

  const violate = (invariant: BehindInvariant, what: string): void => {
    violations.push({ invariant, at: now(), what })
  }
  const stateOf = (key: string): KeyState => {
    const state = states.get(key) ?? {
      last: 0,
      value: undefined,
      highest: 0,
      numberOf: new Map(),
      waiting: new Map(),
      contentOf: new Map(),
      floor: 0,
      journal: undefined,
    }
    states.set(key, state)
    return state
  }

  const checkIndexed = (key: string): void => {
    const { journal } = stateOf(key)
    if (journal === undefined || isIdle(journal)) return
    const shardKey = keys.shardOf(key)
    const body = image(shardKey)?.body
    if (body !== undefined && parseShard(body, shardKey)?.has(key) === true) return
    violate('B3 indexed', `${key} waits and is not in the index`)
  }

  const checkNumbers = (key: string, journal: Journal): void => {
    const state = stateOf(key)
    // A sweep touches the journal of a key that it finds in the index, also where it was deleted: that one gave no number.
    if (journal.last < state.highest && journal.last > 0) violate('B5 one number', `${key} fell to ${journal.last}`)
    state.highest = Math.max(state.highest, journal.last)
    for (const { n, sealed } of journal.queue) {
      const known = state.contentOf.get(n)
      if (known !== undefined && known !== sealed) violate('B5 one number', `${n} was ${known} and is ${sealed}`)
      state.contentOf.set(n, sealed)
      for (const id of idsIn(sealed)) {
        state.numberOf.set(id, n)
        if (!taken.has(id)) state.waiting.set(id, n)
      }
    }
  }

  const checkContents = (before: Journal | undefined, after: Journal, { key, process }: Applied): void => {
    const left = idsOf(after)
    if (new Set(left).size < left.length) violate('B2 once, in order', `${key} holds a write twice`)
    const there = new Set(left)
    const earlier = before === undefined ? [] : idsOf(before)
    for (const id of earlier) {
      if (there.has(id) || taken.has(id)) continue
      if (givingUp.get(process)?.has(key) === true) givenUp.add(id)
      else violate('B1 not lost', `${process.name} took ${id} out of the journal, and the truth does not have it`)
    }
    const known = new Set(earlier)
    for (const id of left)
      if (before !== undefined && taken.has(id) && !known.has(id))
        violate('B2 once, in order', `${id} was accepted again after it was applied`)
  }

  return {
    violations,
    violate,
    onApply(applied) {
      const { key, after, before } = applied
      if (key.startsWith('wbx~')) {
        for (const one of states.keys()) if (keys.shardOf(one) === key) checkIndexed(one)
        return
      }
      const journal = parseJournal(after.body, key, LATEST)
      if (journal === undefined) return violate('B1 not lost', `${key} became garbage`)
      const state = stateOf(key)
      if (before === undefined && state.highest > 0) onSeen('number after deletion')
      if (journal.queue.length >= 33) onSeen('long queue')
      if (journal.queue.some(({ merged }) => merged > 1)) onSeen('merged')
      if (journal.aside.length > 0) onSeen('set aside')
      checkContents(before === undefined ? undefined : state.journal, journal, applied)
      checkNumbers(key, journal)
      state.journal = journal
      checkIndexed(key)
    },
    take(key, n, ids) {
      const state = stateOf(key)
      if (n <= state.last) return onSeen('late write refused')
      const content = state.contentOf.get(n)
      if (content !== JSON.stringify(ids)) violate('B5 one number', `${n} was ${content} and is applied as ${ids}`)
      const aside = new Set((state.journal?.aside ?? []).flatMap(({ sealed }) => idsIn(sealed)))
      for (const [id, other] of state.waiting)
        if (other < n && !taken.has(id) && !aside.has(id) && !givenUp.has(id))
          violate('B2 once, in order', `${n} is applied before ${id} of ${other}`)
      for (const id of ids) {
        if (taken.has(id)) violate('B2 once, in order', `${id} is applied twice`)
        taken.add(id)
        state.waiting.delete(id)
      }
      state.last = n
      state.value = ids.at(-1)
    },
    truthOf: (key) => stateOf(key).value,
    onAccepted(key, id, n) {
      accepted.add(id)
      stateOf(key).floor = Math.max(stateOf(key).floor, n)
      if (!stateOf(key).numberOf.has(id)) violate('B1 not lost', `${id} was acknowledged, and no journal ever had it`)
    },
    floorOf: (key) => stateOf(key).floor,
    checkRead(key, value, floor) {
      const n = value === undefined ? 0 : (stateOf(key).numberOf.get(value) ?? 0)
      if (n < floor) violate('B4 visible', `${key} was read as ${value} of ${n}, and ${floor} was acknowledged before`)
    },
    onGiveUp(process, key) {
      givingUp.set(process, (givingUp.get(process) ?? new Set()).add(key))
    },
    checkEnd() {
      for (const id of accepted)
        if (!taken.has(id) && !givenUp.has(id)) violate('B1 not lost', `${id} was accepted and never applied`)
    },
  }
}

function idsOf({ queue, aside }: Journal): readonly string[] {
  return [...queue, ...aside].flatMap(({ sealed }) => idsIn(sealed))
}

const lists = new Map<string, readonly string[]>()

/** A value is a list of ids, so that merged ones show what they were made of. */
function idsIn(sealed: string): readonly string[] {
  const known = lists.get(sealed)
  if (known !== undefined) return known
  if (lists.size > MAX_LISTS) lists.clear()
  const ids = JSON.parse(sealed) as readonly string[]
  lists.set(sealed, ids)
  return ids
}
