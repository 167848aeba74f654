import type { Entry } from '../../contracts.ts'
import { sleep } from '../../lib/timing.ts'
import type { Lease, Refresh, WarmRecord } from '../../record/record.ts'
import { publish } from '../../record/transitions.ts'
import type { Parts } from '../context.ts'
import { pollDelay } from '../time/backoff.ts'
import { readRecord, type Sight, swapRecord } from './record-io.ts'

/** How often a publish is tried. Each try that got an answer has either landed or met a newer record. */
const PUBLISH_ATTEMPTS = 6
/** The same where the value must not be lost: more than fit into a lease, which ends them. */
const EXCLUSIVE_ATTEMPTS = 40
/** How often a lease is given back or a failure written, at most. */
const WRITE_BACK_ATTEMPTS = 2

/** A lease that is this flight's own. */
export interface Held<T> extends Sight {
  readonly lease: Lease
  /** `clock.fast()` from before the acquire was sent: the lease is counted from there. */
  readonly sentAt: number
  /** `clock.fast()` at which the flight must be over. */
  readonly endsAt: number
  readonly signal: AbortSignal
  /** The published value that the fetch is to follow. */
  readonly previous: T | undefined
  /** What an exclusive source said that it would spend. */
  readonly spends: string | undefined
}

/** What became of a publish. `lost`: it may be in the store or not. */
export type Published =
  | { readonly outcome: 'published'; readonly version: number }
  | { readonly outcome: 'fenced'; readonly sight: Sight }
  | { readonly outcome: 'lost' }

/** What is to be published. */
interface Fresh<T> {
  readonly entry: Entry<T>
  readonly sealed: string
  /** How long the source took, in ms. */
  readonly took: number
  /** Whether the value must not be lost: then it is tried until the lease ends. */
  readonly exclusive: boolean
}

/** This environment's mark in the ring of refreshes, made when it is first needed. */
export function environmentOf(parts: Parts): string {
  parts.environment ??= parts.runtime.unique().slice(0, 8)
  return parts.environment
}

/** Publishes under the lease: repeated with the same tag while the answer is unknown, rebased while the lease is ours. */
export async function publishEntry<T>(parts: Parts, held: Held<T>, fresh: Fresh<T>): Promise<Published> {
  const { nonce } = held.lease
  const { key } = held.record
  const { value: _value, version: _version, ...lifetime } = fresh.entry
  const compose = (on: Sight): WarmRecord => {
    const now = parts.server.latest() ?? 0
    const refresh: Refresh = [Math.floor(now), environmentOf(parts), fresh.took, 'ok', lifetime.fingerprint]
    return publish(on.record, { ...lifetime, sealed: fresh.sealed, publisher: nonce, now, refresh })
  }
  let sight: Sight = held
  // One tag stands for one text: should the first try have landed, what is told of it must be what is stored.
  let record = compose(sight)
  let tag = parts.runtime.unique()
  const attempts = fresh.exclusive ? EXCLUSIVE_ATTEMPTS : PUBLISH_ATTEMPTS
  // A swap that expects one's own lease is safe at any time; a clock that has stepped must not lose a value in hand.
  const always = fresh.exclusive ? PUBLISH_ATTEMPTS : 1
  const endsAt = fresh.exclusive ? held.sentAt + held.lease.length : held.endsAt
  for (let attempt = 0; attempt < attempts && (attempt < always || parts.clock.fast() < endsAt); attempt += 1) {
    const result = await swapOrUnknown(parts, record, sight, tag)
    const current =
      result.outcome === 'conflict'
        ? result.sight
        : result.outcome === 'unknown'
          ? await lookAgain(parts, key)
          : undefined
    if (result.outcome === 'swapped' || current?.record.value?.publisher === nonce) {
      const version = (current?.record ?? record).value?.version ?? 0
      parts.emit({ type: 'publish', key, version })
      return { outcome: 'published', version }
    }
    if (current === undefined || current.image?.tag === sight.image?.tag) {
      // A store that fails at once would use up every attempt in no time.
      if (fresh.exclusive)
        await sleep(parts.runtime, pollDelay(0, parts.runtime.random()), new AbortController().signal)
      continue
    }
    if (current.record.lease?.nonce !== nonce) {
      parts.emit({ type: 'fenced', key, epoch: held.record.epoch })
      return { outcome: 'fenced', sight: current }
    }
    sight = current
    record = compose(sight)
    tag = parts.runtime.unique()
  }
  return { outcome: 'lost' }
}

/** A store that fails now may not have failed for good: a value in hand is worth another try. */
async function swapOrUnknown(
  parts: Parts,
  record: Parameters<typeof swapRecord>[1],
  sight: Sight,
  tag: string,
): ReturnType<typeof swapRecord> {
  try {
    return await swapRecord(parts, record, { expected: sight.image, tag, signal: undefined })
  } catch {
    return { outcome: 'unknown' }
  }
}

async function lookAgain(parts: Parts, key: string): Promise<Sight | undefined> {
  try {
    return await readRecord(parts, key, { consistent: true, signal: new AbortController().signal })
  } catch {
    return undefined
  }
}

/**
 * Changes the record under the lease, as best it can: should it not land, the lease ends by itself. Its own tag tells a
 * repeat from a second write. Resolves to the record that was there instead, when the lease was lost.
 */
export async function writeBack<T>(
  parts: Parts,
  held: Held<T>,
  change: (record: WarmRecord) => WarmRecord,
): Promise<Sight | undefined> {
  const tag = parts.runtime.unique()
  for (let attempt = 0; attempt < WRITE_BACK_ATTEMPTS; attempt += 1) {
    const result = await swapOrUnknown(parts, change(held.record), held, tag)
    if (result.outcome === 'conflict') return result.sight
    if (result.outcome === 'swapped') return undefined
  }
  return undefined
}
