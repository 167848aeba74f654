/** The invariants that a history can show to be broken; see the protocol page of the docs. */
export type HistoryInvariant = 'I1' | 'I2' | 'I3' | 'I4' | 'I11'

/** A broken promise. */
export interface HistoryViolation {
  readonly invariant: HistoryInvariant
  /** The tag of the write that broke it, or that was seen; `undefined` for "nothing there". */
  readonly tag: string | undefined
  readonly what: string
}

/** Takes a violation down. */
export type Violate = (invariant: HistoryInvariant, tag: string | undefined, what: string) => void
