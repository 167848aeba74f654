import { DEFAULT_POLICY } from '../../src/engine/policy.ts'
import { leaseLength } from '../../src/engine/time/lease-length.ts'
import type { Process } from '../process.ts'
import type { Violation } from '../witness.ts'
import { type Floor, isBelow, isFrom, show } from './floors.ts'
import { createStoreWitness, type StoreWitness, type StoreWitnessOptions } from './store-witness.ts'
import { type Params, plainOf, type Value } from './truth.ts'

/** How long after a lease was won its load begins at the latest, in ms: a batch holds it back for 200 ms at most. */
const MAX_HOLD = 260
/** What loads later than this does so without the lease: it was given back, or has ended. In ms. */
const LEASE = leaseLength(DEFAULT_POLICY)

/** A get, as the witness judges it. */
export interface Answered {
  readonly params: Params
  readonly process: Process
  /** True time at which it began. */
  readonly beganAt: number
  /**
   * `store`: its environment had nothing of the key in memory, or was told to look, so that the bound is 0. `loader`: it was
   * told to load. `memory`: any other.
   */
  readonly from: 'memory' | 'store' | 'loader'
  /** The state of the truth when it began. */
  readonly began: number
  readonly value: Value | undefined
}

/** Sees everything that is written and served, and checks V1 to V10. */
export interface DataWitness extends Omit<StoreWitness, 'check'> {
  readonly violations: Violation[]
  violate(invariant: Violation['invariant'], what: string): void
  /** A change was acknowledged. */
  onResolved(
    keys: readonly Params[],
    change: Omit<Floor, 'plain' | 'n' | 'resolvedAt'> & { n(plain: string): number },
  ): void
  onAnswer(answered: Answered): void
  /** The value of a key is about to be written again as old as it is. Returns what tells that this is over. */
  onRenew(plain: string): () => void
  /** A get was rejected. `isPatient`: it had at least the default time. */
  onFailure(
    failed: { readonly process: Process; readonly plain: string; readonly isPatient: boolean },
    error: unknown,
  ): void
  /** The calm end: what is stale must have been loaded again, and every get must be served. */
  onCalm(): void
  /** A recheck was sent at this true time. */
  onRecheck(process: Process, sentAt: number): void
  /** A lease was won. */
  onAcquire(process: Process, plain: string): void
  /** A load begins. */
  onLoad(process: Process, plain: string): void
}

/** How a witness is made. */
export interface DataWitnessOptions extends StoreWitnessOptions {
  readonly recheck: number
  readonly unchecked: number
  /** Whether every request is answered in time. */
  readonly hasSteadyStore: boolean
  /** Whether nothing goes wrong that may take all the time of a get; the store may give no answer for a while. */
  readonly isEasy: boolean
  /** Whether clocks are in order, so that true time says how often a process rechecks. */
  readonly hasGoodClocks: boolean
}

/** Makes the witness of one run. */
export function createDataWitness(options: DataWitnessOptions): DataWitness {
  const { now, stateOf, recheck, unchecked, hasSteadyStore, isEasy, hasGoodClocks, onSeen } = options
  const violations: Violation[] = []
  const floors: Floor[] = []
  const rechecked = new Map<Process, number>()
  const won = new Map<string, number>()
  /** Of each key: how many write its value again now, and when the last of them ended. */
  const renewed = new Map<string, { open: number; endedAt: number }>()
  let isCalm = false

  const violate = (invariant: Violation['invariant'], what: string): void =>
    void violations.push({ invariant, at: now(), what })
  const store = createStoreWitness(options, floors, violate)

  return {
    violations,
    violate,
    ...store,
    onResolved(keys, { n, ...change }) {
      for (const params of keys) {
        const plain = plainOf(params)
        floors.push({ ...change, plain, n: n(plain), resolvedAt: now() })
      }
      store.check()
    },
    onAnswer({ params, process, beganAt, from, began, value }) {
      const plain = plainOf(params)
      const state = stateOf(plain)
      if (value !== undefined && value.of !== plain) violate('V8', `${plain} was answered by the value of ${value.of}`)
      if (!isFrom(value, 1, state)) violate('V8', `${plain} was answered as absent, and never was`)
      if (value === undefined) onSeen('none served')
      if (value?.pad !== undefined && value.pad.length > 8_192) onSeen('body served')
      if (from === 'loader' && !isFrom(value, began, state))
        violate('V1', `${process.name} was to load ${plain}, ${began} then, and served ${show(value)}`)
      const bound = from === 'memory' ? Math.max(recheck, unchecked) : 0
      for (const floor of floors) {
        if (floor.plain !== plain || floor.resolvedAt >= beganAt || !isBelow(value, floor, state)) continue
        if ((floor.isSoft && !isCalm) || (floor.isHere && floor.process !== process)) continue
        const age = beganAt - floor.resolvedAt
        const what = `${process.name} served ${show(value)} of ${plain}, ${floor.n} was acknowledged ${age.toFixed(0)} ms before`
        if (floor.process === process) violate('V7', `${what} here`)
        else if (age >= bound) violate(unchecked > recheck ? 'V6' : 'V1', what)
        else onSeen(age >= recheck ? 'old value unchecked' : 'old value within the bound')
      }
      const { open, endedAt } = renewed.get(plain) ?? { open: 0, endedAt: Number.NEGATIVE_INFINITY }
      if (from !== 'loader' || value !== undefined || !hasSteadyStore || open > 0 || endedAt >= beganAt) return
      // A load has found none: its environment serves nothing from before.
      onSeen('none loaded')
      floors.push({ plain, n: began, isSoft: false, sparesNone: true, resolvedAt: now(), process, isHere: true })
    },
    onRenew(plain) {
      const last = renewed.get(plain) ?? { open: 0, endedAt: 0 }
      renewed.set(plain, last)
      last.open += 1
      return () => {
        last.open -= 1
        last.endedAt = now()
      }
    },
    onFailure({ process, plain, isPatient }, error) {
      const isDue = isCalm || (isEasy && isPatient)
      if (isDue) violate('V10', `${process.name} was not served ${plain}: ${String(error)}`)
      else onSeen('get failed')
    },
    onCalm() {
      isCalm = true
    },
    onRecheck(process, sentAt) {
      const last = rechecked.get(process)
      if (hasGoodClocks && last !== undefined && sentAt - last < recheck / 2 - 2)
        violate('V5', `${process.name} rechecked after ${sentAt - last} ms`)
      rechecked.set(process, sentAt)
      onSeen('recheck')
    },
    onAcquire: (process, plain) => void won.set(`${process.name} ${plain}`, now()),
    onLoad(process, plain) {
      const at = won.get(`${process.name} ${plain}`)
      won.delete(`${process.name} ${plain}`)
      const held = at === undefined ? 0 : now() - at
      if (hasGoodClocks && held > MAX_HOLD && held <= LEASE)
        violate('V9', `${process.name} held the lease of ${plain} for ${held.toFixed(0)} ms before it loaded`)
    },
  }
}
