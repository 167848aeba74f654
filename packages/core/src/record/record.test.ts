import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_COOL_DOWN, MAX_LEASE, MAX_LIFETIME, SLACK, withoutImplausible } from './plausible.ts'
import { emptyRecord, parseRecord, printRecord, type WarmRecord } from './record.ts'
import { acquire, nextVersion, publish } from './transitions.ts'

const NOW = 1_800_000_000_000
const HOUR = 3_600_000
const GOOD: WarmRecord = {
  key: 'k~1',
  epoch: NOW,
  rejected: NOW - 1,
  keepUntil: NOW + 48 * HOUR,
  value: {
    sealed: '{"value":"abc"}',
    publisher: 'n0',
    fingerprint: 'f0',
    version: NOW,
    issuedAt: NOW,
    softExpiry: NOW + HOUR - 600_000,
    hardExpiry: NOW + HOUR,
  },
  lease: { nonce: 'n1', acquiredAt: NOW, length: 6_000 },
  failure: { count: 1, kind: 'unavailable', code: 'SOURCE_FAILED', notBefore: NOW + 1_000 },
  intent: { nonce: 'n1', fingerprint: 'f1', at: NOW, tries: 1 },
  budget: NOW + 1_000,
  refreshes: [[NOW, 'env', 50, 'ok', 'f0']],
}
const PARTS = ['epoch', 'rejected', 'keepUntil', 'value', 'lease', 'failure', 'intent', 'budget', 'refreshes'] as const

function parsed(body: string) {
  const result = parseRecord(body, 'k~1')
  if (result.outcome !== 'record') throw new Error(result.reason)
  return result
}

/** The good record with these fields in place of its own. */
function spoiled(fields: object) {
  return parsed(JSON.stringify({ ...JSON.parse(printRecord(GOOD)), ...fields }))
}

describe('a record in an untrusted text', () => {
  it('never costs a part because another one is damaged', () => {
    const whole = parsed(printRecord(GOOD)).record
    fc.assert(
      fc.property(fc.constantFrom(...PARTS), fc.jsonValue(), (part, junk) => {
        const { record } = spoiled({ [part]: junk })
        for (const other of PARTS) if (other !== part) expect(record[other]).toEqual(whole[other])
      }),
    )
  })

  it('keeps what is sealed whatever happens to the fields beside it, and serves it no longer', () => {
    const fields = ['version', 'publisher', 'fingerprint', 'issuedAt', 'softExpiry', 'hardExpiry']
    for (const field of fields) {
      for (const junk of [null, -1, 'x', {}, 9e15]) {
        if (junk === 'x' && (field === 'publisher' || field === 'fingerprint')) continue
        const { record, damaged } = spoiled({ value: { ...GOOD.value, [field]: junk } })
        expect(record.value).toMatchObject({ sealed: GOOD.value?.sealed, softExpiry: 0, hardExpiry: 0 })
        expect(damaged).toEqual(['times'])
      }
    }
  })

  it('takes a kind of failure that it does not know for "unavailable"', () => {
    const { record, damaged } = spoiled({ failure: { ...GOOD.failure, kind: 'of-a-later-release' } })
    expect(record.failure?.kind).toBe('unavailable')
    expect(damaged).toEqual([])
  })

  it('has no control character in the code of a failure', () => {
    const { record } = spoiled({ failure: { ...GOOD.failure, code: 'X\r\nset-cookie: a\u202e\u0000' } })
    expect(record.failure?.code).toBe('X??set-cookie: a??')
  })

  it('names every part that is damaged, and parses again without damage once it was written', () => {
    fc.assert(
      fc.property(fc.subarray([...PARTS]), fc.constantFrom(null, 'x', -1, [], true), (parts, junk) => {
        const { record, damaged } = spoiled(Object.fromEntries(parts.map((part) => [part, junk])))
        expect(damaged.toSorted()).toEqual(parts.filter((part) => part !== 'refreshes').toSorted())
        expect(parsed(printRecord(record)).damaged).toEqual([])
      }),
    )
  })

  it('can be read after every write that follows any record that was read', () => {
    const number = fc.oneof(fc.double({ min: 0, max: 8.64e15, noNaN: true }), fc.constantFrom(0, 2 ** 52, 8.64e15, NOW))
    fc.assert(
      fc.property(fc.record({ a: number, b: number, c: number, d: number, e: number }), ({ a, b, c, d, e }) => {
        const { record } = spoiled({
          epoch: a,
          rejected: b,
          keepUntil: c,
          value: { ...GOOD.value, version: d, hardExpiry: e },
          failure: { ...GOOD.failure, count: b },
          intent: { ...GOOD.intent, tries: c },
          budget: e,
        })
        let next = withoutImplausible(record, NOW)
        for (let round = 0; round < 3; round += 1) {
          next = acquire(next, { nonce: 'n', now: NOW, length: 6_000, rejected: undefined, intent: next.intent })
          expect(parsed(printRecord(next))).toEqual({ outcome: 'record', record: next, damaged: [] })
          const value = { ...GOOD.value, ...next.value } as NonNullable<WarmRecord['value']>
          const version = nextVersion(next, NOW)
          next = publish(next, { ...value, version, now: NOW, refresh: [NOW, 'e', 1, 'ok', 'f'] })
          expect(parsed(printRecord(next))).toEqual({ outcome: 'record', record: next, damaged: [] })
        }
      }),
    )
  })
})

describe('the mark of an exclusive source', () => {
  const lease = { nonce: 'n', now: NOW, length: 6_000, rejected: undefined }

  it('is set by the first acquire with an intent, and stays when the intent is gone', () => {
    const acquired = acquire(emptyRecord('k~1'), { ...lease, intent: GOOD.intent })
    const { version: _version, ...value } = GOOD.value as NonNullable<WarmRecord['value']>
    const published = publish(acquired, { ...value, version: NOW, now: NOW, refresh: [NOW, 'e', 1, 'ok', 'f'] })
    expect(published).toMatchObject({ exclusive: true })
    expect(published.intent).toBeUndefined()
    expect(parsed(printRecord(published)).record.exclusive).toBe(true)
  })

  it('is on no other record', () => {
    expect(acquire(emptyRecord('k~1'), lease)).not.toHaveProperty('exclusive')
    expect(spoiled({ exclusive: 'yes' }).record).not.toHaveProperty('exclusive')
  })
})

describe('an instant of a record that nobody can have written', () => {
  const at = (fields: Partial<WarmRecord>): WarmRecord => withoutImplausible({ ...GOOD, ...fields }, NOW)

  it('changes nothing about a record by the rules', () => {
    expect(withoutImplausible(GOOD, NOW)).toEqual(GOOD)
    expect(withoutImplausible(emptyRecord('k~1'), NOW)).toEqual(emptyRecord('k~1'))
  })

  it('ends a lease with the longest invocation, and voids one from the future', () => {
    expect(at({ lease: { nonce: 'n', acquiredAt: NOW - 1_000, length: 100 * 365 * 24 * HOUR } }).lease?.length).toBe(
      MAX_LEASE,
    )
    expect(at({ lease: { nonce: 'n', acquiredAt: NOW + SLACK + 1, length: 1 } }).lease).toBeUndefined()
  })

  it('voids a cool-down or a budget of more than a day', () => {
    const failure = { count: 1, kind: 'unavailable', code: 'x' } as const
    expect(at({ failure: { ...failure, notBefore: NOW + MAX_COOL_DOWN } }).failure).toBeDefined()
    expect(at({ failure: { ...failure, notBefore: Date.UTC(2100, 0) } }).failure).toBeUndefined()
    expect(at({ budget: 8.64e15 }).budget).toBeUndefined()
  })

  it('ends a value that lives forever or comes from the future, and keeps its chain and version', () => {
    for (const wrong of [{ hardExpiry: NOW + MAX_LIFETIME + SLACK + 1 }, { issuedAt: NOW + SLACK + 1 }]) {
      const value = { ...(GOOD.value as NonNullable<WarmRecord['value']>), ...wrong }
      expect(at({ value }).value).toMatchObject({ sealed: value.sealed, version: NOW, hardExpiry: 0 })
    }
  })

  it('leaves no grace to an intent from the future, and does not forget it', () => {
    expect(at({ intent: { nonce: 'n', fingerprint: 'f', at: NOW + 2 * SLACK, tries: 1 } }).intent).toMatchObject({
      at: 0,
      tries: 1,
    })
  })

  it('never voids a version or an epoch', () => {
    expect(at({ epoch: 2 ** 52, rejected: 2 ** 52 })).toMatchObject({ epoch: 2 ** 52, rejected: 2 ** 52 })
  })
})
