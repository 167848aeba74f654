import type { Process } from '../process.ts'
import { hasNone, type Value } from './truth.ts'

/** A change that was acknowledged: from then on older values are forbidden. */
export interface Floor {
  readonly plain: string
  /** The state of the truth that a value must be from, at least. */
  readonly n: number
  readonly isSoft: boolean
  /** Whether "there is none" may be from an older state. */
  readonly sparesNone: boolean
  readonly resolvedAt: number
  readonly process: Process
  /** Whether it binds that process only. */
  readonly isHere?: true
}

/** Whether a value, or that there is none, was true in a state from one on. `now`: the state that is true now. */
export function isFrom(value: Value | undefined, from: number, now: number): boolean {
  return value === undefined ? hasNone(from, now) : value.n >= from
}

/** Whether a floor forbids a value, or that there is none. */
export function isBelow(value: Value | undefined, { n, sparesNone }: Floor, now: number): boolean {
  return (value !== undefined || !sparesNone) && !isFrom(value, n, now)
}

/** A value for a message. */
export function show(value: Value | undefined): string {
  return value === undefined ? 'that there is none' : `${value.n}`
}
