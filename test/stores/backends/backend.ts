import type { Store } from '@warmtoken/core'
import type { Fault } from '@warmtoken/local'
import type { StoreFaultKind, StoreFaults, StoreSubject } from '@warmtoken/testing/store'

/** Something that stores stand on, with its real client. */
export interface Backend {
  /** For the table. */
  readonly name: string
  /** Starts it, or connects to it. Rejects when it is not available here, with what to do about it. */
  start(): Promise<Running>
}

/** What helps to look into a backend. */
export type Insight = Pick<
  StoreSubject,
  'keepUntilOf' | 'plant' | 'takeAnnounced' | 'bodyLimit' | 'clockSkew' | 'sharesClock' | 'secrets'
>

/** A backend that answers. */
export interface Running extends Insight {
  /** Where it answers: what a fault proxy stands before. `undefined` when nothing can stand before it. */
  readonly url: string | undefined
  /** A store with a client of its own, at this address. */
  connect(url: string): Store
  /** The backend's own words for what it can do wrong. */
  readonly answers: Partial<Record<StoreFaultKind, Fault>>
  /** What a proxy makes go wrong that stands before it already, where one for HTTP cannot. */
  readonly faults?: StoreFaults
  close(): Promise<void>
}

/** An answer that comes before anything is applied. */
export function refusal(status: number, body: string, type: string): Fault {
  return {
    kind: 'status',
    when: 'before',
    status,
    body,
    headers: { 'content-type': type },
  }
}
