import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { emptyRecord, parseRecord, printRecord, type WarmRecord } from '../record/record.ts'
import { acquire, fail, KEEP_MARGIN, nextVersion, publish } from '../record/transitions.ts'
import { decide, type Situation } from './decide.ts'
import { isAlive } from './time/expiry.ts'

const instant = fc.integer({ min: 0, max: 1_000_000 })
const text = fc.string({ maxLength: 12 })

const value = fc
  .record({
    sealed: text,
    publisher: text,
    fingerprint: text,
    version: instant,
    issuedAt: instant,
    soft: instant,
    hard: instant,
  })
  .map(({ soft, hard, ...rest }) => ({ ...rest, softExpiry: Math.min(soft, hard), hardExpiry: Math.max(soft, hard) }))
const lease = fc.record({ nonce: text, acquiredAt: instant, length: fc.integer({ min: 1, max: 10_000 }) })
const failure = fc.record({
  count: fc.integer({ min: 1, max: 9 }),
  kind: fc.constantFrom('refused' as const, 'unavailable' as const, 'throttled' as const),
  code: text,
  notBefore: instant,
})
const records: fc.Arbitrary<WarmRecord> = fc
  .record({ epoch: instant, rejected: instant, keepUntil: instant }, {})
  .chain((base) =>
    fc
      .record({ value, lease, failure }, { requiredKeys: [] })
      .map((parts) => ({ ...emptyRecord('k~1'), ...base, ...parts })),
  )
const situations: fc.Arbitrary<Situation> = fc
  .record({
    record: records,
    earliest: instant,
    width: fc.integer({ min: 0, max: 3_000 }),
    leaseSeenFor: fc.integer({ min: 0, max: 12_000 }),
    own: fc.constantFrom('no' as const, 'usable' as const, 'spent' as const),
    need: fc.integer({ min: 0, max: 100_000 }),
    jitter: fc.integer({ min: 0, max: 10_000 }),
  })
  .map(({ width, ...rest }) => ({
    ...rest,
    latest: rest.earliest + width,
    rejected: undefined,
    secretFingerprint: undefined,
    budgetFreeAt: 0,
  }))

function check(name: string, property: (situation: Situation) => void): void {
  it(name, () => fc.assert(fc.property(situations, property), { numRuns: 5_000 }))
}

describe('a decision', () => {
  check('never uses a value that may have expired, or has too little life', (situation) => {
    const { record, latest, need } = situation
    if (decide(situation) !== 'use') return
    expect(record.value !== undefined && latest + need <= record.value.hardExpiry).toBe(true)
    expect(record.value?.version).not.toBe(record.rejected)
  })

  check('never serves a stale value that is not alive', (situation) => {
    if (decide(situation) === 'use-stale') expect(isAlive(situation)).toBe(true)
  })

  check('never takes a lease that may still be held by another', (situation) => {
    const { record, earliest, leaseSeenFor, own } = situation
    const decision = decide(situation)
    if ((decision !== 'take-over' && decision !== 'acquire') || record.lease === undefined || own !== 'no') return
    const { acquiredAt, length } = record.lease
    expect(earliest > acquiredAt + length || leaseSeenFor > length).toBe(true)
  })

  check('never asks the source of a value that is fresh', (situation) => {
    const { record, earliest, jitter, latest, need } = situation
    if (!isAlive(situation) || record.value === undefined) return
    if (earliest < record.value.softExpiry - jitter && latest + need <= record.value.hardExpiry)
      expect(decide(situation)).toBe('use')
  })

  check('never waits with a usable value available', (situation) => {
    const { record, latest, need } = situation
    if (decide(situation) !== 'wait' || record.value === undefined) return
    expect(isAlive(situation) && latest + need <= record.value.hardExpiry).toBe(false)
  })

  check('leaves the source alone during a cool-down', (situation) => {
    const { record, earliest, own } = situation
    if (
      record.failure === undefined ||
      record.failure.kind === 'refused' ||
      earliest >= record.failure.notBefore ||
      own === 'usable'
    )
      return
    expect(['acquire', 'take-over']).not.toContain(decide(situation))
  })

  it('lets a new secret be tried at once', () => {
    const refused = {
      count: 3,
      kind: 'refused' as const,
      code: 'invalid_client',
      notBefore: 1_000,
      secretFingerprint: 'old',
    }
    const situation: Situation = {
      record: { ...emptyRecord('k~1'), failure: refused },
      earliest: 10,
      latest: 20,
      leaseSeenFor: 0,
      own: 'no',
      need: 0,
      jitter: 0,
      rejected: undefined,
      secretFingerprint: 'old',
      budgetFreeAt: 0,
    }
    expect(decide(situation)).toBe('fail')
    expect(decide({ ...situation, secretFingerprint: 'new' })).toBe('acquire')
  })
})

describe('a record', () => {
  it('reads back what was printed, and nothing under another key', () => {
    fc.assert(
      fc.property(records, (record) => {
        expect(parseRecord(printRecord(record), 'k~1')).toEqual({ outcome: 'record', record, damaged: [] })
        expect(parseRecord(printRecord(record), 'k~2')).toEqual({ outcome: 'not-a-record', reason: 'another key' })
      }),
    )
  })

  it('never throws, whatever the text', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (body) => void parseRecord(body, 'k~1')))
    for (const body of ['', 'null', '[]', '{"schema":2}', '{"schema":1}']) {
      expect(parseRecord(body, 'k~1').outcome).toBe('not-a-record')
    }
  })
})

describe('a transition', () => {
  const now = 500_000
  it('never lowers epoch or version, and always keeps a lease a day longer than it lasts', () => {
    fc.assert(
      fc.property(records, (record) => {
        const leased = acquire(record, { nonce: 'n', now, length: 6_000, rejected: undefined })
        expect(leased.epoch).toBeGreaterThan(record.epoch)
        expect(leased.keepUntil).toBeGreaterThanOrEqual(now + 6_000 + KEEP_MARGIN)
        const lifetime = {
          sealed: 's',
          version: nextVersion(leased, now),
          publisher: 'n',
          fingerprint: 'f',
          issuedAt: now,
          softExpiry: now,
          hardExpiry: now + 9,
        }
        const published = publish(leased, { ...lifetime, now, refresh: [now, 'e', 1, 'ok', 'f'] })
        expect(published.value?.version).toBeGreaterThan(record.value?.version ?? 0)
        expect([published.lease, published.failure]).toEqual([undefined, undefined])
        const failed = fail(
          leased,
          { count: 1, kind: 'unavailable', code: 'x', notBefore: now },
          [now, 'e', 1, 'x', ''],
          'unknown',
        )
        expect([failed.lease, failed.value]).toEqual([undefined, leased.value])
      }),
    )
  })
})
