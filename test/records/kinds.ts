/** Kinds of records that nobody wrote by the rules: what is planted, and what a call makes of it. */

/** A record as JSON. */
export type Fields = { readonly [name: string]: unknown }

/** What a call for a shared source does. */
export type SharedOutcome =
  /** Serves the token of the record. */
  | 'served'
  /** Fetches once and repairs the record. */
  | 'fetched'
  /** Waits for the end of a lease, and ends within its own time. */
  | 'waits'
  /** Obeys a cool-down, with an error that names its end. */
  | 'cools down'

/** The same for an exclusive source. */
export type ExclusiveOutcome =
  | Exclude<SharedOutcome, 'fetched'>
  /** Spends the refresh token of the record, not the first one. */
  | 'continues'
  /** Fails with `STORE_UNREADABLE`; nothing is spent or overwritten. */
  | 'stops'
  /** Fails with `CODEC_FAILED`; nothing is spent or overwritten. */
  | 'cannot open'

/** One kind. */
export interface Kind {
  readonly name: string
  /** The text to plant, made from a good record. `now`: the server's time. */
  readonly plant: (good: Fields, now: number) => string
  readonly shared: SharedOutcome
  readonly exclusive: ExclusiveOutcome
}

const LARGE = 8.6e15
const CENTURY = 100 * 365 * 86_400_000
const IN_2100 = Date.UTC(2100, 0)

function partOf(good: Fields, name: string): Fields {
  return (good[name] ?? {}) as Fields
}

/** Fields in place of those of the good record, whose token is still fresh. */
function fields(change: (now: number) => Fields): Kind['plant'] {
  return (good, now) => JSON.stringify({ ...good, ...change(now) })
}

/** The same, with a token that has expired: the source must be asked. */
function due(change: (now: number) => Fields): Kind['plant'] {
  return (good, now) => {
    const value = { ...partOf(good, 'value'), softExpiry: now - 120_000, hardExpiry: now - 60_000 }
    return JSON.stringify({ ...good, value, ...change(now) })
  }
}

/** Fields in place of those of the published value. */
function inValue(change: (now: number) => Fields): Kind['plant'] {
  return (good, now) => JSON.stringify({ ...good, value: { ...partOf(good, 'value'), ...change(now) } })
}

/** One field of the record left out. */
function without(name: string): Kind['plant'] {
  return (good) => JSON.stringify({ ...good, [name]: undefined })
}

function failure(now: number, change: Fields): Fields {
  return { failure: { count: 1, kind: 'unavailable', code: 'SOURCE_FAILED', notBefore: now - 60_000, ...change } }
}

function lease(now: number, change: Fields): Fields {
  return { lease: { nonce: 'planted', acquiredAt: now - 1_000, length: 6_000, ...change } }
}

function intent(now: number, change: Fields): Fields {
  return { intent: { nonce: 'planted', fingerprint: 'another', at: now - 60_000, tries: 1, ...change } }
}

const STOPS = { shared: 'fetched', exclusive: 'stops' } as const
const GOES_ON = { shared: 'fetched', exclusive: 'continues' } as const
const SERVED = { shared: 'served', exclusive: 'served' } as const
const UNOPENED = { shared: 'fetched', exclusive: 'cannot open' } as const

/** Planted in every store. */
export const KINDS: readonly Kind[] = [
  // The text.
  { name: 'an empty text', plant: () => '', ...STOPS },
  { name: 'bytes that are not text', plant: () => '\u0001\u0002\ufffd 東京', ...STOPS },
  { name: 'a record cut in half', plant: (good) => JSON.stringify(good).slice(0, 150), ...STOPS },
  { name: 'an HTML page', plant: () => '<html><body>502</body></html>', ...STOPS },
  { name: 'JSON null', plant: () => 'null', ...STOPS },
  { name: 'a JSON list', plant: () => '[]', ...STOPS },
  { name: 'a JSON number', plant: () => '1', ...STOPS },
  { name: '50,000 nested lists', plant: () => '['.repeat(50_000), ...STOPS },
  { name: 'a later schema', plant: fields(() => ({ schema: 2 })), ...STOPS },
  { name: 'a schema that is a text', plant: fields(() => ({ schema: '1' })), ...STOPS },
  { name: 'no schema', plant: without('schema'), ...STOPS },
  { name: 'the record of another key', plant: fields(() => ({ key: 'another~key' })), ...STOPS },
  { name: 'no key', plant: without('key'), ...STOPS },
  { name: 'an unknown field', plant: fields(() => ({ later: { x: 1 } })), ...SERVED },
  { name: '200 KB of an unknown field', plant: fields(() => ({ later: 'x'.repeat(200_000) })), ...SERVED },
  {
    name: 'a field "__proto__"',
    plant: (good) => JSON.stringify(good).replace('{', '{"__proto__":{"epoch":1},'),
    ...SERVED,
  },
  // Its numbers.
  { name: 'an epoch that is a text', plant: due(() => ({ epoch: 'first' })), ...GOES_ON },
  { name: 'a negative epoch', plant: due(() => ({ epoch: -1 })), ...GOES_ON },
  { name: 'an epoch close to the largest number', plant: due(() => ({ epoch: LARGE })), ...GOES_ON },
  { name: 'a rejected version that is a text', plant: fields(() => ({ rejected: 'x' })), ...SERVED },
  { name: 'a rejected version close to the largest number', plant: fields(() => ({ rejected: LARGE })), ...SERVED },
  { name: 'a "keepUntil" that is a text', plant: due(() => ({ keepUntil: 'x' })), ...GOES_ON },
  { name: 'a "keepUntil" close to the largest number', plant: due(() => ({ keepUntil: LARGE })), ...GOES_ON },
  // Its value.
  { name: 'a value that is null', plant: fields(() => ({ value: null })), ...STOPS },
  { name: 'a value that is a list', plant: fields(() => ({ value: [] })), ...STOPS },
  { name: 'a value without its sealed text', plant: inValue(() => ({ sealed: undefined })), ...STOPS },
  { name: 'a sealed text that does not open', plant: inValue(() => ({ sealed: '{"x' })), ...UNOPENED },
  { name: 'a sealed text that is empty', plant: inValue(() => ({ sealed: '' })), ...UNOPENED },
  { name: 'a sealed text that is not a token', plant: inValue(() => ({ sealed: '{"value":1}' })), ...UNOPENED },
  { name: 'a value without its version', plant: inValue(() => ({ version: undefined })), ...GOES_ON },
  { name: 'a version close to the largest number', plant: inValue(() => ({ version: LARGE })), ...GOES_ON },
  { name: 'a value issued in 2100', plant: inValue(() => ({ issuedAt: IN_2100 })), ...GOES_ON },
  { name: 'a value that lives forever', plant: inValue(() => ({ hardExpiry: 8.64e15 })), ...GOES_ON },
  { name: 'a soft expiry that is a text', plant: inValue(() => ({ softExpiry: 'x' })), ...GOES_ON },
  {
    name: 'a soft expiry after the hard one',
    plant: inValue((now) => ({ softExpiry: now + 2 * 86_400_000 })),
    ...GOES_ON,
  },
  { name: 'a fingerprint that is a list', plant: inValue(() => ({ fingerprint: [] })), ...GOES_ON },
  { name: 'a fingerprint with line ends', plant: inValue(() => ({ fingerprint: 'a\r\nb' })), ...GOES_ON },
  { name: 'a value without its publisher', plant: inValue(() => ({ publisher: undefined })), ...GOES_ON },
  // Its lease.
  {
    name: 'a lease of a hundred years',
    plant: due((now) => lease(now, { length: CENTURY })),
    shared: 'waits',
    exclusive: 'waits',
  },
  { name: 'a lease from 2100', plant: due((now) => lease(now, { acquiredAt: IN_2100, length: 600_000 })), ...GOES_ON },
  { name: 'a lease of negative length', plant: due((now) => lease(now, { length: -1 })), ...GOES_ON },
  { name: 'a lease without its nonce', plant: due((now) => lease(now, { nonce: undefined })), ...GOES_ON },
  { name: 'a lease that is a text', plant: due(() => ({ lease: 'mine' })), ...GOES_ON },
  // Its failure and its mint budget.
  {
    name: 'an unknown kind of failure, over',
    plant: due((now) => failure(now, { kind: 'of-a-later-release' })),
    ...GOES_ON,
  },
  { name: 'a cool-down until 2100', plant: due((now) => failure(now, { notBefore: IN_2100 })), ...GOES_ON },
  { name: 'a failure that is a list', plant: due(() => ({ failure: [] })), ...GOES_ON },
  {
    name: 'a count of failures close to the largest number',
    plant: due((now) => failure(now, { count: LARGE })),
    ...GOES_ON,
  },
  {
    name: 'a failure code with line ends, in force',
    plant: due((now) => failure(now, { code: 'X\r\nset-cookie: a', notBefore: now + 600_000 })),
    shared: 'cools down',
    exclusive: 'cools down',
  },
  { name: 'a mint budget used up forever', plant: due(() => ({ budget: 8.64e15 })), ...GOES_ON },
  { name: 'a mint budget that is a text', plant: due(() => ({ budget: 'x' })), ...GOES_ON },
  // Its reject pause.
  {
    name: 'a reject pause until 2100',
    plant: fields(() => ({ rejectPause: { until: IN_2100, count: 1 } })),
    ...SERVED,
  },
  { name: 'a reject pause that is a text', plant: fields(() => ({ rejectPause: 'x' })), ...SERVED },
  // Its intent.
  { name: 'an intent that is a text', plant: due(() => ({ intent: 'x' })), ...STOPS },
  { name: 'an intent without its fingerprint', plant: due((now) => intent(now, { fingerprint: undefined })), ...STOPS },
  {
    name: 'an intent with tries close to the largest number',
    plant: due((now) => intent(now, { tries: LARGE })),
    ...GOES_ON,
  },
  { name: 'an intent from 2100', plant: due((now) => intent(now, { at: IN_2100 })), ...GOES_ON },
  // Its list of refreshes.
  { name: 'a list of refreshes that is a text', plant: fields(() => ({ refreshes: 'x' })), ...SERVED },
  {
    name: 'refreshes that are anything',
    plant: fields(() => ({ refreshes: [1, null, ['a'], [1, 2, 3, 4, 5]] })),
    ...SERVED,
  },
  {
    name: '2,000 refreshes',
    plant: fields(() => ({ refreshes: Array.from({ length: 2_000 }, () => [1, 'e', 1, 'ok', 'f']) })),
    ...SERVED,
  },
]
