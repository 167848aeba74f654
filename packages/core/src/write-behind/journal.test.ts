import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  append,
  confirm,
  emptyJournal,
  fail,
  giveUp,
  hasRoom,
  isIdle,
  type Journal,
  MAX_QUEUE,
  MAX_QUEUE_BYTES,
  MAX_RECENT,
  mergeInto,
  nextNumber,
  openWrite,
  release,
  retryRefused,
  setAside,
  startDrain,
} from './journal.ts'
import { parseJournal, printJournal } from './journal-text.ts'
import { MAX_KEYS, parseShard, printShard } from './shard.ts'

const KEY = `wb~${'a'.repeat(40)}`
const NOW = 1_800_000_000_000
const LEASE = { nonce: 'drainer', acquiredAt: NOW, length: 5_000 }

type Step = (journal: Journal, at: number) => Journal
/** Steps as the parts of a write-behind take them: only where they are possible. */
const STEPS: Readonly<Record<string, Step>> = {
  append: (journal, at) =>
    hasRoom(journal, '"x"') ? append(journal, { ids: [`id${at}`], sealed: '"x"' }, at) : journal,
  merge: (journal, at) => {
    const open = openWrite(journal)
    return open === undefined ? journal : mergeInto(journal, open, { ids: [`id${at}`], sealed: '"xx"' }, at)
  },
  start: (journal) => (journal.queue.length > 0 ? startDrain(journal, LEASE) : journal),
  confirm: (journal) => confirm(journal, journal.queue[0]?.n ?? 0, { lease: LEASE, keepLatest: true }),
  release,
  fail: (journal, at) => fail(journal, { count: 1, code: 'DOWN', notBefore: at, parked: at % 2 === 0 }),
  aside: (journal) =>
    journal.aside.length < 8 ? setAside(journal, journal.queue[0]?.n ?? 0, undefined) : release(journal),
  retry: retryRefused,
  giveUp: (journal) => giveUp(journal, [journal.queue[0]?.n ?? 0, ...journal.aside.map(({ n }) => n)]),
}
const steps = fc.array(fc.constantFrom(...Object.keys(STEPS)), { maxLength: 120 })

function play(names: readonly string[]): readonly Journal[] {
  let journal = emptyJournal({ id: 1 })
  return names.map((name, index) => {
    journal = STEPS[name]?.(journal, NOW + index) ?? journal
    return journal
  })
}

describe('a journal', () => {
  it('comes back as it was printed, after whatever happened to it', () => {
    fc.assert(
      fc.property(steps, (names) => {
        for (const journal of play(names))
          expect(parseJournal(printJournal(journal, KEY), KEY, NOW + 1_000)).toEqual(
            JSON.parse(JSON.stringify(journal)),
          )
      }),
      { numRuns: 50 },
    )
  })

  it('gives rising numbers, keeps its queue in order, and says from where on it lists every write', () => {
    fc.assert(
      fc.property(steps, (names) => {
        let before = emptyJournal({ id: 1 })
        for (const journal of play(names)) {
          expect(journal.last).toBeGreaterThanOrEqual(before.last)
          const numbers = journal.queue.map(({ n }) => n)
          expect(numbers).toEqual(numbers.toSorted((one, other) => one - other))
          expect(numbers.every((n) => n > journal.done)).toBe(true)
          expect(journal.recent.length).toBeLessThanOrEqual(MAX_RECENT)
          const dropped = before.recent.filter(([, n]) => !journal.recent.some(([, other]) => other === n))
          for (const [, n] of dropped) expect(n).toBeLessThanOrEqual(journal.floor)
          before = journal
        }
      }),
      { numRuns: 50 },
    )
  })

  it('numbers on from the server time when its record was deleted', () => {
    expect(nextNumber(0, NOW + 0.2)).toBe(NOW + 1)
    expect(nextNumber(NOW + 5, NOW)).toBe(NOW + 6)
  })

  it('is bounded in writes and in length', () => {
    let journal = emptyJournal(null)
    for (let count = 0; count < MAX_QUEUE; count += 1) journal = STEPS['append']?.(journal, NOW + count) ?? journal
    expect(hasRoom(journal, '1')).toBe(false)
    // As it stands in the record: quotes are escaped, and a euro takes three bytes.
    for (const [mark, bytes] of [
      ['x', 1],
      ['"', 2],
      ['€', 3],
    ] as const) {
      const half = mark.repeat(Math.floor((MAX_QUEUE_BYTES / 2 - 2) / bytes))
      const long = append(emptyJournal(null), { ids: ['a'], sealed: half }, NOW)
      expect(hasRoom(long, half)).toBe(true)
      expect(hasRoom(long, half + mark.repeat(4))).toBe(false)
    }
  })

  it('gives up only what an operator has seen, and the first write only where it stopped the key', () => {
    const waiting = append(
      append(emptyJournal(null), { ids: ['a'], sealed: '1' }, NOW),
      { ids: ['b'], sealed: '2' },
      NOW,
    )
    const n = waiting.queue[0]?.n ?? 0
    expect(giveUp(waiting, [n]).queue).toHaveLength(2)
    const stopped = fail(waiting, { count: 1, code: 'NO', notBefore: 0, parked: true })
    expect(giveUp(stopped, [n + 1]).queue).toHaveLength(2)
    expect(giveUp(stopped, [n])).toMatchObject({ done: n, queue: [{ id: 'b' }] })
    expect(isIdle(giveUp(giveUp(stopped, [n]), [n + 1]))).toBe(false)
  })
})

describe('an untrusted journal', () => {
  const good = startDrain(
    append(append(emptyJournal({ id: 1 }), { ids: ['a'], sealed: '"1"' }, NOW), { ids: ['b'], sealed: '"2"' }, NOW),
    LEASE,
  )
  const fields = JSON.parse(printJournal(good, KEY)) as Readonly<Record<string, unknown>>
  const [first, second] = fields['queue'] as readonly (readonly unknown[])[]
  const parse = (change: Readonly<Record<string, unknown>>) =>
    parseJournal(JSON.stringify({ ...fields, ...change }), KEY, NOW)

  it.each<readonly [string, Readonly<Record<string, unknown>>]>([
    ['another schema', { schema: 2 }],
    ['another key', { key: `wb~${'b'.repeat(40)}` }],
    ['no parameters', { params: undefined }],
    ['a number from beyond', { last: NOW + 500 * 86_400_000 }],
    ['a number that is none', { done: 'x' }],
    ['more done than was given', { done: NOW + 10 }],
    ['a negative number', { fixed: -1 }],
    ['a fraction', { floor: 0.5 }],
    ['no queue', { queue: undefined }],
    ['a queue that is none', { queue: {} }],
    ['a queue out of order', { queue: [second, first] }],
    ['a write twice', { queue: [first, first] }],
    ['a write that is done', { done: NOW }],
    ['a write above the last number', { last: NOW }],
    ['a write without an id', { queue: [[NOW, '', NOW, 1, 'x']] }],
    ['a write without a value', { queue: [[NOW, 'a', NOW, 1]] }],
    ['a value beyond the bound', { queue: [[NOW, 'a', NOW, 1, 'x'.repeat(70_000)]] }],
    ['more writes than a queue holds', { queue: Array.from({ length: 65 }, (_, n) => [n + 1, 'a', 0, 1, 'x']) }],
    ['ids that are none', { recent: [['a b', 1]] }],
    ['more ids than are kept', { recent: Array.from({ length: 33 }, () => ['a', 1]) }],
    ['a last value that is none', { latest: { n: 1 } }],
    ['set aside by nobody', { aside: [1] }],
  ])('with %s is left alone', (_what, change) => {
    expect(parse(change)).toBeUndefined()
  })

  it('is parsed without a lease or a failure that is damaged, or that lies in the future', () => {
    for (const lease of [1, {}, { ...LEASE, nonce: '' }, { ...LEASE, acquiredAt: NOW + 3_600_000 }]) {
      expect(parse({ lease })?.queue).toHaveLength(2)
      expect(parse({ lease })?.lease).toBeUndefined()
    }
    expect(parse({ lease: { ...LEASE, length: 1e12 } })?.lease?.length).toBe(900_000)
    expect(parse({ failure: { count: 'x' } })?.failure).toBeUndefined()
    const late = { count: 1e12, code: 'NO', notBefore: NOW * 2, parked: 'yes' }
    expect(parse({ failure: late })?.failure).toEqual({
      count: 1e9,
      code: 'NO',
      notBefore: NOW + 86_400_000,
      parked: false,
    })
  })

  it('never throws, whatever it holds', () => {
    const change = fc.record(
      Object.fromEntries(Object.keys(fields).map((name) => [name, fc.anything()])) as Record<
        string,
        fc.Arbitrary<unknown>
      >,
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(change, (changed) => {
        const parsed = parseJournal(
          JSON.stringify({ ...fields, ...changed }, (_name, value) => (typeof value === 'bigint' ? 0 : value)) ?? '',
          KEY,
          NOW,
        )
        if (parsed !== undefined) expect(parsed.queue.length).toBeLessThanOrEqual(MAX_QUEUE)
      }),
    )
    for (const body of ['', 'null', '[]', '{', `"${'x'.repeat(400_000)}"`])
      expect(parseJournal(body, KEY, NOW)).toBeUndefined()
  })
})

describe('a record of the index', () => {
  it('comes back as it was printed', () => {
    const shard = new Map([
      [KEY, 'mark'],
      [`wb~${'b'.repeat(40)}`, 'other'],
    ])
    expect(parseShard(printShard(shard, 'wbx'), 'wbx')).toEqual(shard)
  })

  it('is damaged when a key or a mark is none, and holds no more than its bound', () => {
    const body = (keys: unknown) => JSON.stringify({ schema: 1, key: 'wbx', keys })
    for (const keys of [undefined, {}, [1], [['x', 'mark']], [['a'.repeat(40), 'a b']]])
      expect(parseShard(body(keys), 'wbx')).toBeUndefined()
    expect(parseShard(body([]), 'other')).toBeUndefined()
    const many = Array.from({ length: 300 }, (_, index) => [String(index).padStart(40, '0'), 'm'])
    expect(parseShard(body(many), 'wbx')?.size).toBe(MAX_KEYS)
  })
})
