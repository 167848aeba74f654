import { parseEnvelope } from '../../src/data/envelope.ts'
import {
  NO_GENERATION,
  NO_ROOT,
  numberOf,
  numberOfRoot,
  parseGeneration,
  parseRoot,
} from '../../src/data/generations.ts'
import { createGenerationKeys } from '../../src/data/home.ts'
import { judge } from '../../src/data/judge.ts'
import { parseJson } from '../../src/lib/parse.ts'
import { parseRecord } from '../../src/record/record.ts'
import type { Applied } from '../backend.ts'
import { type Process, START } from '../process.ts'
import type { Violation } from '../witness.ts'
import { type Params, plainOf, type Value } from './truth.ts'

/** The name of the cache in every run. */
export const NAME = 'sim'
/** Numbers are believed up to here. */
const LATEST = START * 2

/** A change that was acknowledged: from then on older values are forbidden. */
interface Floor {
  readonly plain: string
  /** The state of the truth that a value must be from, at least. */
  readonly n: number
  readonly isSoft: boolean
  readonly resolvedAt: number
  readonly process: Process
}

/** A get, as the witness judges it. */
export interface Answered {
  readonly params: Params
  readonly process: Process
  /** True time at which it began. */
  readonly beganAt: number
  /** Whether its environment had nothing of the key in memory. */
  readonly isCold: boolean
  readonly value: Value | undefined
}

/** Sees everything that is written and served, and checks V1 to V7. */
export interface DataWitness {
  readonly violations: Violation[]
  violate(invariant: Violation['invariant'], what: string): void
  onApply(applied: Applied): void
  /** A change was acknowledged. */
  onResolved(
    keys: readonly Params[],
    change: Omit<Floor, 'plain' | 'n' | 'resolvedAt'> & { n(plain: string): number },
  ): void
  onAnswer(answered: Answered): void
  /** A recheck was sent at this true time. */
  onRecheck(process: Process, sentAt: number): void
}

/** How a witness is made. */
export interface DataWitnessOptions {
  readonly now: () => number
  readonly image: (key: string) => { readonly body: string } | undefined
  readonly recheck: number
  readonly unchecked: number
  /** Whether clocks are in order, so that true time says how often a process rechecks. */
  readonly hasGoodClocks: boolean
  readonly onSeen: (name: string) => void
}

/** Makes the witness of one run. */
export function createDataWitness(options: DataWitnessOptions): DataWitness {
  const { now, image, recheck, unchecked, hasGoodClocks, onSeen } = options
  const { rootKey, tagKey } = createGenerationKeys('', NAME)
  const violations: Violation[] = []
  const floors: Floor[] = []
  const highest = new Map<string, number>()
  const rechecked = new Map<Process, number>()
  const records = new Map<string, string>()

  const violate = (invariant: Violation['invariant'], what: string): void =>
    void violations.push({ invariant, at: now(), what })

  const generation = (tag: string) => {
    const body = image(tagKey(tag))?.body
    return body === undefined ? NO_GENERATION : (parseGeneration(body, tagKey(tag), LATEST) ?? ('damaged' as const))
  }

  /** V2: what would be judged good in the store is forbidden by nothing that was acknowledged. */
  const checkStore = (key: string): void => {
    const body = image(key)?.body
    const parsed = body === undefined ? undefined : parseRecord(body, key)
    const stored = parsed?.outcome === 'record' ? parsed.record.value : undefined
    const envelope = stored && parseEnvelope(parseJson(stored.sealed))
    if (stored === undefined || envelope?.content.kind !== 'value' || stored.hardExpiry <= START + now()) return
    const rootBody = image(rootKey)?.body
    const root = rootBody === undefined ? NO_ROOT : parseRoot(rootBody, rootKey, LATEST)
    const plain = key.split('~')[0] ?? ''
    const { outcome } = judge(plain, envelope.under, { tag: generation, root: root ?? 'damaged' })
    if (outcome !== 'good' && outcome !== 'stale') return
    const { n } = envelope.content.value as unknown as Value
    for (const floor of floors)
      if (floor.plain === plain && n < floor.n && (outcome === 'good' || !floor.isSoft))
        violate('V2', `${plain} of ${n} is ${outcome} in the store, and ${floor.n} was acknowledged`)
  }

  return {
    violations,
    violate,
    onApply({ key, after, before }) {
      if (!key.startsWith('gen~')) {
        records.set(key, key)
        checkStore(key)
        return
      }
      const isRoot = key === rootKey
      const root = isRoot ? parseRoot(after.body, key, LATEST) : undefined
      const tag = isRoot ? undefined : parseGeneration(after.body, key, LATEST)
      if (root === undefined && tag === undefined) return violate('V3', `${key} became garbage`)
      const number = root ? numberOfRoot(root) : tag ? numberOf(tag) : 0
      const most = highest.get(key) ?? 0
      // A control that is written after the record may vanish brings no number; nothing rests on the old one any more.
      const isNew = before === undefined && number === 0
      if (number < most && !isNew) violate('V3', `the number of ${key} fell from ${most} to ${number}`)
      if (number === most && !isRoot) violate('V3', `the number of ${key} did not rise`)
      if (before === undefined && most > 0) onSeen('number after deletion')
      if (root !== undefined && root.patterns.length >= 32) onSeen('patterns full')
      highest.set(key, isNew ? 0 : Math.max(most, number))
    },
    onResolved(keys, { n, isSoft, process }) {
      for (const params of keys) {
        const plain = plainOf(params)
        floors.push({ plain, n: n(plain), isSoft, process, resolvedAt: now() })
      }
      for (const key of records.keys()) checkStore(key)
    },
    onAnswer({ params, process, beganAt, isCold, value }) {
      if (value === undefined) return
      const plain = plainOf(params)
      const bound = isCold ? 0 : Math.max(recheck, unchecked)
      for (const floor of floors) {
        if (floor.isSoft || floor.plain !== plain || value.n >= floor.n || floor.resolvedAt >= beganAt) continue
        const age = beganAt - floor.resolvedAt
        const what = `${process.name} served ${value.n} of ${plain}, ${floor.n} was acknowledged ${age.toFixed(0)} ms before`
        if (floor.process === process) violate('V7', `${what} here`)
        else if (age >= bound) violate(unchecked > recheck ? 'V6' : 'V1', what)
        else onSeen('old value within the bound')
      }
    },
    onRecheck(process, sentAt) {
      const last = rechecked.get(process)
      if (hasGoodClocks && last !== undefined && sentAt - last < recheck / 2 - 2)
        violate('V5', `${process.name} rechecked after ${sentAt - last} ms`)
      rechecked.set(process, sentAt)
      onSeen('recheck')
    },
  }
}
