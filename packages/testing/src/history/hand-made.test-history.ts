import type { Lease, PublishedValue, WarmRecord } from '@warmtoken/core/record'
import { emptyRecord, printRecord } from '@warmtoken/core/record'
import type { HistoryEvent } from './event.ts'

/** The key of every hand-made history. */
export const KEY = 'custom~history~key'
/** The length of every hand-made lease, in ms. */
export const LENGTH = 6_000

/** A history under construction: one swap after the other, each applied. */
export interface Draft {
  readonly events: HistoryEvent[]
  /** The tag that is there now. */
  tag(): string | undefined
  /** The record that is there now. */
  record(): WarmRecord
  /** Lets time pass, in ms. */
  pass(ms: number): void
  /** Applies a swap to what is there now. `untold`: without an answer. Returns its tag. */
  swap(by: string, record: WarmRecord, options?: { readonly untold?: boolean }): string
  /** A swap that expects what is not there any more, and is refused. Returns its tag. */
  refused(by: string, record: WarmRecord, expected: string | undefined): string
  /** A consistent read of what is there now, or of another tag. */
  read(by: string, tag?: string): void
}

/** The record with the lease in the hands of a nonce. */
export function withLease(record: WarmRecord, nonce: string): WarmRecord {
  const lease: Lease = { nonce, acquiredAt: 1_000, length: LENGTH }
  return { ...record, epoch: record.epoch + 1, lease }
}

/** The record with a value published by a nonce, and without a lease. */
export function withValue(record: WarmRecord, publisher: string): WarmRecord {
  const { lease: _lease, ...rest } = record
  const version = (record.value?.version ?? 0) + 1
  const lifetime = { issuedAt: 1_000, softExpiry: 2_000, hardExpiry: 3_000, fingerprint: 'abcdef01' }
  const value: PublishedValue = { sealed: '"x"', version, publisher, ...lifetime }
  return { ...rest, value }
}

/** Begins a history. */
export function draft(): Draft {
  const events: HistoryEvent[] = []
  let now = 1_000
  let tags = 0
  let tag: string | undefined
  let record = emptyRecord(KEY)

  const send = (by: string, body: string, expected: string | undefined): string => {
    tags += 1
    const made = `tag-${tags}`
    events.push({ type: 'sent', key: KEY, by, tag: made, expected, body, sentAt: now })
    return made
  }
  const end = (by: string, made: string, outcome: 'swapped' | 'conflict'): void => {
    events.push({ type: 'ended', key: KEY, by, tag: made, outcome, sentAt: now, endedAt: now + 10 })
    now += 20
  }

  return {
    events,
    tag: () => tag,
    record: () => record,
    pass(ms) {
      now += ms
    },
    swap(by, next, { untold = false } = {}) {
      const made = send(by, printRecord(next), tag)
      if (!untold) end(by, made, 'swapped')
      now += 20
      tag = made
      record = next
      return made
    },
    refused(by, next, expected) {
      const made = send(by, printRecord(next), expected)
      end(by, made, 'conflict')
      return made
    },
    read(by, seen = tag) {
      events.push({ type: 'read', key: KEY, by, tag: seen, sentAt: now, endedAt: now + 10 })
      now += 20
    },
  }
}

/** Two publishes by two environments, a crash, a take-over, an adopted lease and a fenced publish: all as it should be. */
export function cleanHistory(): Draft {
  const made = draft()
  made.swap('ann', withLease(made.record(), 'n1'))
  made.swap('ann', withValue(made.record(), 'n1'))
  made.read('bob')
  made.swap('bob', withLease(made.record(), 'n2'), { untold: true })
  made.swap('bob', withValue(made.record(), 'n2'))
  const lost = made.swap('cid', withLease(made.record(), 'n3'))
  const fenced = withValue(made.record(), 'n3')
  made.pass(LENGTH)
  made.read('ann')
  made.swap('ann', withLease(made.record(), 'n4'))
  made.refused('cid', fenced, lost)
  made.swap('ann', withValue(made.record(), 'n4'))
  made.read('cid')
  return made
}
