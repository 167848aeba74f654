import type { StoreContext } from '../engine/context.ts'
import { type SwapResult, swapRecord } from '../engine/miss/record-io.ts'
import { sleep } from '../lib/timing.ts'
import type { WarmRecord } from '../record/record.ts'
import { extend, release } from '../record/transitions.ts'
import type { AcquiredLease } from './acquire.ts'
import { LeaseError } from './error.ts'

/** A holder ends so much earlier than others may begin, in ms: room for what no clock shows. */
const GUARD = 400
/** For short leases: the share of the length. */
const GUARD_SHARE = 0.1
/** A renewal is sent after this share of the length. */
const RENEW_SHARE = 1 / 3
/** How often a lease is renewed at most. */
const MAX_RENEWALS = 100_000
/** How often a write is repeated whose answer is lost. */
const MAX_REPEATS = 2
/** How often a release is tried: a renewal whose answer was lost may come in between. */
const RELEASE_ATTEMPTS = 3

/** What the work is handed. */
export interface Held {
  /** Aborts when the lease is lost or over, with a `LeaseError`, and with your own signal. Pass it on. */
  readonly signal: AbortSignal
  /**
   * The fencing token: a whole number that is higher with each holder, also after the record was deleted. Send it with each
   * write and have the resource refuse a lower one than it has seen: nothing else stops a holder that was frozen.
   */
  readonly fence: number
  /** How long the lease is certainly held from now, in ms; 0 when it is not. Sees a freeze before the signal does. */
  remaining(): number
}

/** How a lease is held. Durations are in ms. */
interface Terms {
  readonly key: string
  readonly name: string
  readonly length: number
  readonly duration: number
  readonly signal: AbortSignal | undefined
}

/** A lease that is held. */
export interface Holding {
  readonly held: Held
  /** Aborts when the lease is over, and not with the caller's signal. */
  readonly lost: AbortSignal
  /** Throws when the lease is over. */
  check(): void
  /** Stops renewals and releases the lease. Never rejects: what fails leaves a lease that ends on its own. */
  end(): Promise<void>
}

/** Watches over a lease until `end`. */
export function holdLease(context: StoreContext, acquired: AcquiredLease, terms: Terms): Holding {
  const { clock, runtime } = context
  const { key, name, length, duration, signal: outer } = terms
  const { nonce } = acquired
  const guard = Math.min(GUARD, length * GUARD_SHARE)
  const lastEnd = acquired.sentAt + duration
  const lost = new AbortController()
  const over = new AbortController()
  let { image, record } = acquired
  /** `clock.fast()` until which it is certainly held. */
  let until = acquired.sentAt + length - guard

  const remaining = (): number => (lost.signal.aborted ? 0 : Math.max(0, until - clock.fast()))
  const lose = (): void => {
    over.abort()
    lost.abort(
      new LeaseError(`the lease "${name}" ended before the work did; raise "length" or "duration"`, {
        code: 'LEASE_LOST',
        key,
      }),
    )
  }
  let cancel = (): void => {}
  const watch = (): void => {
    cancel()
    if (over.signal.aborted) return
    const left = remaining()
    if (left > 0) cancel = runtime.after(Math.ceil(left), watch)
    else lose()
  }

  /** Writes a change of the own lease; `false`: it is in other hands. The image of a lost answer is taken over. */
  const change = async (next: WarmRecord): Promise<SwapResult['outcome'] | 'lost'> => {
    const swap = { expected: image, tag: runtime.unique(), signal: undefined }
    let result = await swapRecord(context, next, swap)
    // A swap is idempotent in its tag: the answer to the repeat says what became of it.
    for (let repeat = 0; result.outcome === 'unknown' && repeat < MAX_REPEATS; repeat += 1)
      result = await swapRecord(context, next, swap)
    if (result.outcome === 'swapped') [image, record] = [result.image, next]
    if (result.outcome !== 'conflict') return result.outcome
    if (result.snapshot.record.lease?.nonce !== nonce) return 'lost'
    image = result.snapshot.image
    record = result.snapshot.record
    return 'conflict'
  }

  const renewOnce = async (): Promise<void> => {
    const sentAt = clock.fast()
    const rest = Math.min(length, lastEnd - sentAt)
    const now = Math.ceil(context.server.latest() ?? 0)
    // A store that fails is asked again at the next renewal, while the lease lasts.
    const outcome = await change(extend(record, { nonce, now, length: rest })).catch(() => 'failed')
    if (outcome === 'lost') return lose()
    if (outcome !== 'swapped' || lost.signal.aborted) return
    until = Math.max(until, sentAt + rest - guard)
    watch()
  }

  const renew = async (): Promise<void> => {
    for (let count = 0; count < MAX_RENEWALS && until + guard < lastEnd; count += 1) {
      await sleep(runtime, length * RENEW_SHARE, over.signal)
      if (over.signal.aborted) return
      // A renewal is sent only by a holder that still holds by its own clock.
      if (remaining() === 0) return lose()
      await renewOnce()
    }
  }

  const giveBack = async (): Promise<void> => {
    for (let attempt = 0; attempt < RELEASE_ATTEMPTS; attempt += 1) {
      const outcome = await change(release(record)).catch(() => 'failed')
      if (outcome === 'swapped' || outcome === 'lost') return
    }
  }

  watch()
  const renewing = renew()
  return {
    lost: lost.signal,
    held: {
      signal: outer === undefined ? lost.signal : AbortSignal.any([lost.signal, outer]),
      fence: record.epoch,
      remaining,
    },
    check() {
      if (remaining() === 0) lose()
      lost.signal.throwIfAborted()
    },
    async end() {
      over.abort()
      cancel()
      await renewing
      if (remaining() > 0) await giveBack()
    },
  }
}
