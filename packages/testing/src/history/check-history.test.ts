import { emptyRecord, printRecord } from '@warmtoken/core/record'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkHistory } from './check-history.ts'
import type { HistoryEvent } from './event.ts'
import { cleanHistory, type Draft, draft, KEY, LENGTH, withLease, withValue } from './hand-made.test-history.ts'

function invariantsOf({ events, tag }: Draft): readonly string[] {
  return checkHistory(events, tag()).violations.map(({ invariant }) => invariant)
}

describe('a clean history', () => {
  it('passes, and is counted', () => {
    const { events, tag } = cleanHistory()
    expect(checkHistory(events, tag())).toEqual({
      violations: [],
      counts: { applied: 7, publishes: 3, takeOvers: 1, adoptions: 1, untold: 1, fenced: 1, unused: 1, retold: 0 },
      leases: new Set(['n1', 'n2', 'n3', 'n4']),
    })
  })

  it('passes when nothing was ever written', () => {
    expect(checkHistory([], undefined).violations).toEqual([])
  })

  it('passes with its lines in any order', () => {
    const { events, tag } = cleanHistory()
    const anyOrder = fc.shuffledSubarray(events, { minLength: events.length })
    fc.assert(fc.property(anyOrder, (lines) => checkHistory(lines, tag()).violations.length === 0))
  })

  it('passes although an unacknowledged write is missing from the chain', () => {
    const made = cleanHistory()
    const body = printRecord(withLease(made.record(), 'n5'))
    made.events.push({ type: 'sent', key: KEY, by: 'bob', tag: 'lost', expected: made.tag(), body, sentAt: 9_999_999 })
    expect(invariantsOf(made)).toEqual([])
  })

  it('passes with a write that was repeated with a newer text: the one built on counts', () => {
    const made = draft()
    made.swap('ann', withLease(made.record(), 'n1'))
    const first = withValue(made.record(), 'n1')
    const tag = made.swap('ann', first)
    const [sent] = made.events.filter((event) => event.tag === tag)
    if (sent?.type !== 'sent' || first.value === undefined) throw new Error('the draft told no swap')
    const newer = { ...first, value: { ...first.value, version: 9 } }
    made.events.push({ ...sent, body: printRecord(newer) })
    made.swap('bob', withLease(first, 'n2'))
    const { violations, counts } = checkHistory(made.events, made.tag())
    expect([violations, counts.retold]).toEqual([[], 1])
  })

  it('is of one key', () => {
    const { events, tag } = cleanHistory()
    const [first] = events
    if (first === undefined) throw new Error('the draft is empty')
    expect(() => checkHistory([...events, { ...first, key: 'other' }], tag())).toThrow(TypeError)
  })
})

const BROKEN: readonly (readonly [name: string, invariant: string, breakIt: (made: Draft) => void])[] = [
  [
    'an acknowledged write that was overwritten',
    'I1',
    (made) => {
      const [tag, body] = [made.tag(), printRecord(withLease(made.record(), 'n5'))]
      made.swap('ann', withLease(made.record(), 'n6'))
      const lost = { key: KEY, by: 'bob', tag: 'lost', sentAt: 9_000 }
      made.events.push({ type: 'sent', ...lost, expected: tag, body })
      made.events.push({ type: 'ended', ...lost, outcome: 'swapped', endedAt: 9_010 })
    },
  ],
  [
    'a first write over a record',
    'I1',
    (made) => {
      made.events.push({ type: 'sent', key: KEY, by: 'bob', tag: 'x', body: printRecord(made.record()), sentAt: 0 })
      made.events.push({ type: 'ended', key: KEY, by: 'bob', tag: 'x', outcome: 'swapped', sentAt: 0, endedAt: 1 })
    },
  ],
  [
    'a tag of two writers',
    'I1',
    ({ events }) => {
      const sent = events.findLast(({ type }) => type === 'sent')
      if (sent !== undefined) events.push({ ...sent, by: 'eve' })
    },
  ],
  ['a value that disappears', 'I2', (made) => made.swap('ann', { ...emptyRecord(KEY), epoch: made.record().epoch })],
  ['an epoch that falls', 'I2', (made) => made.swap('ann', { ...made.record(), epoch: 1 })],
  ['a lease without a new epoch', 'I2', (made) => made.swap('ann', { ...withLease(made.record(), 'n5'), epoch: 4 })],
  ['a publish without the lease', 'I2', (made) => made.swap('ann', withValue(made.record(), 'n5'))],
  [
    "a publish under another's lease",
    'I2',
    (made) => {
      made.swap('ann', withLease(made.record(), 'n5'))
      made.swap('bob', withValue(made.record(), 'n6'))
    },
  ],
  [
    'another value under the same version',
    'I2',
    (made) => {
      const { value } = made.record()
      if (value !== undefined) made.swap('ann', { ...made.record(), value: { ...value, publisher: 'n9' } })
    },
  ],
  [
    'a lease that is taken too early',
    'I3',
    (made) => {
      made.swap('ann', withLease(made.record(), 'n5'))
      made.pass(LENGTH / 2)
      made.swap('bob', withLease(made.record(), 'n6'))
    },
  ],
  [
    'a lease that another gives back',
    'I3',
    (made) => {
      const free = made.record()
      made.swap('ann', withLease(free, 'n5'))
      made.swap('bob', { ...free, epoch: made.record().epoch })
    },
  ],
  [
    'a nonce that publishes twice',
    'I4',
    (made) => {
      made.swap('ann', withLease(made.record(), 'n4'))
      made.swap('ann', withValue(made.record(), 'n4'))
    },
  ],
  [
    'a read of what has been replaced',
    'I11',
    (made) => {
      const old = made.tag()
      made.swap('ann', withLease(made.record(), 'n5'))
      made.read('bob', old)
    },
  ],
  ['a read of what was never there', 'I11', (made) => made.read('bob', 'tag-unknown')],
  [
    'a write sent after the one that follows it was acknowledged',
    'I11',
    ({ events }) => {
      const index = events.findIndex((event) => event.type === 'sent' && event.tag === 'tag-1')
      const [sent] = events.splice(index, 1)
      if (sent?.type === 'sent') events.push({ ...sent, sentAt: 9_999_999 })
    },
  ],
]

describe('a broken history', () => {
  it.each(BROKEN)('is caught: %s breaks %s', (_name, invariant, breakIt) => {
    const made = cleanHistory()
    breakIt(made)
    expect(invariantsOf(made)).toContain(invariant)
  })

  it('is caught when an image is there that nobody wrote', () => {
    expect(checkHistory(cleanHistory().events, 'tag-unknown').violations.map(({ invariant }) => invariant)).toContain(
      'I1',
    )
  })

  it('is caught whichever line of a write on the chain is missing', () => {
    const { events, tag } = cleanHistory()
    const onChain = events.filter((event) => event.type === 'sent' && event.tag !== 'tag-6')
    fc.assert(
      fc.property(fc.constantFrom(...onChain), (lost) => {
        const rest = events.filter((event) => event !== lost)
        return checkHistory(rest, tag()).violations.length > 0
      }),
    )
  })

  it('is caught whichever two writes of the chain change places', () => {
    const { events, tag } = cleanHistory()
    const onChain = events.flatMap((event) => (event.type === 'sent' && event.tag !== 'tag-6' ? [event.tag] : []))
    const two = fc.shuffledSubarray(onChain, { minLength: 2, maxLength: 2 })
    fc.assert(
      fc.property(two, ([one, other]) => {
        const swapped = events.map((event): HistoryEvent => {
          if (event.tag === one) return { ...event, tag: other ?? '' } as HistoryEvent
          return event.tag === other ? ({ ...event, tag: one ?? '' } as HistoryEvent) : event
        })
        return checkHistory(swapped, tag()).violations.length > 0
      }),
    )
  })
})

it('follows a chain of ten thousand writes', () => {
  const made = draft()
  for (let round = 0; round < 5_000; round += 1) {
    made.swap('ann', withLease(made.record(), `n${round}`))
    made.swap('ann', withValue(made.record(), `n${round}`))
    made.read('bob')
  }
  expect(checkHistory(made.events, made.tag()).counts.publishes).toBe(5_000)
})
