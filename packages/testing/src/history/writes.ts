import type { HistoryEvent, SwapSent } from './event.ts'
import type { Violate } from './violation.ts'

/** All that is known of one write: its attempts, which share a tag, and what was said of them. */
export interface Write {
  readonly tag: string
  readonly by: string
  /** The tag that it replaces; `undefined` for the first of a chain. */
  readonly expected: string | undefined
  /** When it was first sent. */
  readonly sentAt: number
  /** The texts that were sent; a repeat may be newer than the first. */
  readonly bodies: readonly string[]
  /** When it was first acknowledged; `undefined` when it never was. */
  readonly acknowledgedAt: number | undefined
  /** Whether an attempt of it may have been applied unnoticed. */
  readonly uncertain: boolean
  /** Whether it met another record. */
  readonly refused: boolean
}

type Open = { -readonly [Name in keyof Write]: Write[Name] } & { bodies: string[]; unanswered: number }

function begin({ tag, by, expected, sentAt }: SwapSent): Open {
  return {
    tag,
    by,
    expected,
    sentAt,
    bodies: [],
    acknowledgedAt: undefined,
    uncertain: false,
    refused: false,
    unanswered: 0,
  }
}

/** Gathers the events of a history into writes, by tag. */
export function collectWrites(events: readonly HistoryEvent[], violate: Violate): ReadonlyMap<string, Write> {
  const writes = new Map<string, Open>()
  for (const event of events) {
    if (event.type !== 'sent') continue
    const write = writes.get(event.tag) ?? begin(event)
    writes.set(event.tag, write)
    if (write.by !== event.by) violate('I1', event.tag, `${write.by} and ${event.by} sent the same tag`)
    if (write.expected !== event.expected) violate('I1', event.tag, 'a repeat expected another tag than before')
    if (!write.bodies.includes(event.body)) write.bodies.push(event.body)
    write.sentAt = Math.min(write.sentAt, event.sentAt)
    write.unanswered += 1
  }
  // In a second pass, for lines of several recorders come in any order.
  for (const event of events) {
    if (event.type !== 'ended') continue
    const write = writes.get(event.tag)
    if (write === undefined) violate('I1', event.tag, 'a swap ended that nobody sent')
    else end(write, event.outcome, event.endedAt)
  }
  for (const write of writes.values()) write.uncertain ||= write.unanswered > 0
  return writes
}

function end(write: Open, outcome: string, endedAt: number): void {
  write.unanswered -= 1
  if (outcome === 'swapped') write.acknowledgedAt = Math.min(write.acknowledgedAt ?? endedAt, endedAt)
  if (outcome === 'unknown') write.uncertain = true
  if (outcome === 'conflict') write.refused = true
}
