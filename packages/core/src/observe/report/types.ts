import type { FailureKind } from '../../contracts.ts'
import type { Listener, WarmEvent } from '../../events.ts'
import type { Bus } from '../bus.ts'

/** What happened with the tokens of one source. Durations are in ms; a share of nothing is `null`. */
export interface SourceReport {
  /** Values returned without asking the source, by the tier that had them. */
  readonly hits: { readonly memory: number; readonly file: number; readonly store: number }
  /** Hits, as a share (0 to 1) of hits, shared values and fetches. */
  readonly hitRate: number | null
  /** Callers served by the flight of another caller in this environment. */
  readonly shared: number
  /** How often the source was asked: in all, with success, and without a lease because the store was down. */
  readonly fetches: { readonly all: number; readonly ok: number; readonly alone: number }
  /**
   * Values that a module variable would have fetched: hits in file and store (those waited for included) and shared
   * ones. A hit in memory is not counted, for a module variable has it too.
   */
  readonly fetchesAvoided: number
  /** Successful fetches, as a share (0 to 1) of all. */
  readonly refreshSuccess: number | null
  /** Values waited for while another environment fetched them, and how long that took. */
  readonly leaseWaits: { readonly count: number; readonly p50: number | null; readonly p99: number | null }
  /** Hits with a value past its soft expiry. */
  readonly staleServes: number
  /** Failures put on record for the fleet, by kind. */
  readonly coolDowns: { readonly [Kind in FailureKind]: number }
  /** Values that the API refused. */
  readonly rejections: number
  /** Reads and writes that the store failed. */
  readonly storeErrors: number
  /** The life that values had left when they came from file or store, or were past their soft expiry in memory. */
  readonly remainingLife: { readonly p50: number | null; readonly least: number | null }
}

/** What happened since the reporter was made. Plain data; as text (`String(report)`) a table. */
export interface Report {
  /** Everything together. */
  readonly all: SourceReport
  /** By the token's name, else the readable kind of the source (the part of a key before `~`), in the order in which they came. */
  readonly sources: { readonly [name: string]: SourceReport }
  /** A table with a row a source. Columns in which nothing happened are left out. */
  toString(): string
}

/** Counts events. */
export interface Reporter {
  /** Counts one event. Never throws. For `onEvent`, or option `report` of `createTokens`. */
  readonly listen: Listener
  /** What was counted so far. */
  read(): Report
  /** For `createTokens`: adds `listen` to the listeners. Hits in memory are counted without events if no other one wants them. */
  join(bus: Pick<Bus<WarmEvent>, 'listening' | 'names'>, listeners: Listener[]): void
}
