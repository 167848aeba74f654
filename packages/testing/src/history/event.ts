/** A swap is about to be sent. Told before it is, so that a crash hides no write. */
export interface SwapSent {
  readonly type: 'sent'
  readonly key: string
  /** Who sends it: one name for each recorder. */
  readonly by: string
  /** The unique mark of the write. A repeat has the same. */
  readonly tag: string
  /** The tag that must still be there; `undefined` for "nothing may be there". */
  readonly expected?: string | undefined
  /** The text of the record. */
  readonly body: string
  /** On the recorder's clock, in ms. */
  readonly sentAt: number
}

/** What the caller was told of a swap. Never told: nobody knows, as with `unknown`. */
export interface SwapEnded {
  readonly type: 'ended'
  readonly key: string
  readonly by: string
  readonly tag: string
  /** As the store said it; `failed` when it rejected: nothing was written. */
  readonly outcome: 'swapped' | 'conflict' | 'unknown' | 'failed'
  readonly sentAt: number
  readonly endedAt: number
}

/** What a consistent read saw. */
export interface ReadEnded {
  readonly type: 'read'
  readonly key: string
  readonly by: string
  /** The tag that was there; `undefined` when nothing was. */
  readonly tag?: string | undefined
  readonly sentAt: number
  readonly endedAt: number
}

/** One line of a history: JSON through and through, so that it can go to a file or another process. */
export type HistoryEvent = SwapSent | SwapEnded | ReadEnded
