/** What the admin function answers, as JSON. Every field is listed here and copied one by one: no value of a token or a cache has a way in. @module */

import type { Switches } from '../data/control.ts'
import type { CacheReport, ResourceReport } from '../data/report.ts'
import type { SourceReport } from '../observe/report/types.ts'
import type { RecordView } from '../operate/view.ts'

/** `GET api/overview`: everything but the records. Instants are ms since 1970, lengths ms. */
export interface Overview {
  /** When it was answered, on the clock of the admin function. */
  readonly now: number
  readonly store: string
  /** Whether actions are taken. */
  readonly control: boolean
  /** Who asks, as the record would name it. */
  readonly operator: string
  readonly keys: KeyCounts
  /** Keys of the tokens that were handed to `createAdmin`, by name. */
  readonly names: { readonly [key: string]: string }
  /** What this environment alone has counted: the admin function's own. `undefined` without `reports`. */
  readonly environment: EnvironmentReport | undefined
  readonly caches: readonly CacheView[]
}

/** How many records of which kind there are. */
export interface KeyCounts {
  /** False where there is no inventory: then only the tokens that were handed over are known. */
  readonly listed: boolean
  /** False where there are more than are listed. */
  readonly complete: boolean
  /** Keys that are not of this library. */
  readonly foreign: number
  /** Records by the readable start of their keys. */
  readonly kinds: { readonly [kind: string]: number }
  /** Users with sessions: each has one record, whatever the number of sessions. */
  readonly sessions: number
}

/** What one environment has counted. */
export interface EnvironmentReport {
  readonly all: SourceReport
  readonly sources: { readonly [name: string]: SourceReport }
}

/** A cache, as operators see it. */
export interface CacheView {
  readonly name: string
  /** The switches, as the root record has them. `undefined`: the record could not be read. */
  readonly switches: Required<Switches> | undefined
  readonly sources: { readonly [resource: string]: Required<Switches> }
  /** Who changed the switches last, newest last. */
  readonly changes: readonly { readonly at: number; readonly by: string; readonly what: string }[]
  /** When everything was invalidated last; 0 for never. */
  readonly invalidated: { readonly hard: number; readonly soft: number }
  /** When patterns were, oldest first. */
  readonly patterns: readonly { readonly text: string; readonly hard: number; readonly soft: number }[]
  /** What this environment alone has counted; `undefined` where only the name was handed over. */
  readonly environment: CacheCounts | undefined
}

/** What one environment has counted of a cache: no keys. */
export type CacheCounts = Omit<CacheReport, 'resources'> & {
  readonly resources: { readonly [name: string]: Omit<ResourceReport, 'slowest'> }
}

/** `GET api/records?after=…`: a page of records, by key. */
export interface RecordPage {
  /** When the page was read, on the clock of the admin function. */
  readonly now: number
  readonly records: readonly RecordView[]
  /** Hand it back as `after`; `undefined` on the last page. */
  readonly next: string | undefined
}

/** The body of `POST api/control`. */
export type ControlRequest =
  | { readonly action: 'refresh' | 'reset'; readonly key: string; readonly reason?: string }
  /** The kill switch of a source. `minutes`: 1 to 1,440. */
  | { readonly action: 'stop'; readonly key: string; readonly minutes: number; readonly reason?: string }
  /** Switches of a cache, or of one of its resources. */
  | {
      readonly action: 'switch'
      readonly cache: string
      readonly resource?: string
      readonly switches: Switches
      readonly reason?: string
    }

/** What became of an action. */
export interface ControlAnswer {
  readonly outcome: 'written' | 'unchanged'
}

/** Why a request was refused. The text names the field and the remedy. */
export interface ErrorAnswer {
  readonly error: string
  readonly message: string
}
