import assert from 'node:assert/strict'
import type { Image, Seen, StoreFault, Swap, Swapped } from '@warmtoken/core/adapter'
import type { CaseResult, StoreFaultKind, StoreSubject } from './subject.ts'

/** How long a record of the suite is kept by backends that clean up, in ms. */
export const KEEP = 3_600_000
/** How long a call may take that nothing holds up, in ms. */
const PATIENCE = 2_000
/** How long a call may take while requests go wrong, in ms: the timeouts and repeats of clients do their work. */
const PATIENCE_WITH_FAULTS = 8_000
/** How long each of hundreds of calls at once may take, in ms. */
export const PATIENCE_IN_CROWDS = 15_000
/** How soon after its signal a call must end, in ms. */
const GRACE = 2_000
/** How often a write whose answer was lost is repeated. Each repeat has the same tag, so one answer settles it. */
const MAX_REPEATS = 8

/** A case before it has a subject. */
export type Trial = (kit: Kit) => Promise<CaseResult>

/** Thrown to say that a case cannot be tried, and why. */
export class Gap extends Error {}

/** What a case works with. Keys and tags are new for each case, so that a store may be tested again and again. */
export interface Kit {
  readonly subject: StoreSubject
  /** A key that nobody has used. */
  key(name?: string): string
  /** A write of a new body with a new tag, unless told otherwise. */
  write(expected: Image | undefined, more?: Partial<Swap>): Swap
  /** What is there, strongly read unless told otherwise. */
  read(key: string, how?: { signal?: AbortSignal; consistent?: boolean }): Promise<Seen>
  /** One swap. */
  swap(key: string, swap: Swap, signal?: AbortSignal): Promise<Swapped>
  /** One swap, repeated with its tag while its answer is unknown. */
  settle(key: string, swap: Swap, signal?: AbortSignal): Promise<Swapped>
  /** Writes and expects to have written. Resolves to the image. */
  put(key: string, expected?: Image, more?: Partial<Swap>, signal?: AbortSignal): Promise<Image>
  /** Many reads by one call; `undefined` when the store has none. */
  readMany(keys: readonly string[]): Promise<ReadonlyMap<string, Seen> | undefined>
  /** Makes requests go wrong while `act` runs. Throws {@link Gap} when that cannot be done. */
  during<T>(kind: StoreFaultKind, times: number, act: () => Promise<T>): Promise<T>
}

/** What the cases of one suite remember of each other. */
export interface Memory {
  /** Whether a call has ended without its answer: what comes after it may wait behind that answer. */
  hung: boolean
}

/** A body that no other write has. */
export function newBody(): string {
  return JSON.stringify({ made: crypto.randomUUID() })
}

/** Makes the kit of one case. */
export function makeKit(subject: StoreSubject, memory: Memory = { hung: false }): Kit {
  const { store, faults } = subject
  /** Whether requests are being made to go wrong. */
  let disturbed = false

  /** A call under the signal that was given, or under one that suits. It ends soon after it, whatever the store does. */
  const call = async <T>(given: AbortSignal | undefined, act: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    const isOurs = given === undefined
    const patience = disturbed ? PATIENCE_WITH_FAULTS : PATIENCE
    const signal = given ?? AbortSignal.timeout(patience)
    try {
      return await endsWith(signal, act(signal))
    } catch (error) {
      if (isOurs && !disturbed && signal.aborted && !(error instanceof assert.AssertionError))
        assert.fail(noAnswer(patience, memory.hung))
      throw error
    }
  }

  const kit: Kit = {
    subject,
    key: (name = 'key') => `conformance~${crypto.randomUUID()}${name}`,
    write: (expected, more = {}) => ({
      expected,
      body: newBody(),
      tag: crypto.randomUUID(),
      keepUntil: Date.now() + KEEP,
      ...more,
    }),
    read: (key, { signal, consistent = true } = {}) =>
      call(signal, (ends) => store.read(key, { signal: ends, consistent })),
    async swap(key, swap, signal) {
      const isOurs = signal === undefined
      const ends = signal ?? AbortSignal.timeout(disturbed ? PATIENCE_WITH_FAULTS : PATIENCE)
      const result = await call(signal, () => store.swap(key, swap, { signal: ends }))
      if (isOurs && !disturbed && result.outcome === 'unknown' && ends.aborted)
        assert.fail(noAnswer(PATIENCE, memory.hung))
      return result
    },
    async settle(key, swap, signal) {
      let result = await kit.swap(key, swap, signal)
      for (let n = 0; n < MAX_REPEATS && result.outcome === 'unknown' && signal?.aborted !== true; n += 1)
        result = await kit.swap(key, swap, signal)
      return result
    },
    async put(key, expected, more, signal) {
      const swap = kit.write(expected, more)
      const result = await kit.settle(key, swap, signal)
      assert.equal(result.outcome, 'swapped', `a write that nobody disturbs ended as "${result.outcome}"`)
      assert.equal(result.image.tag, swap.tag, 'the image of a write that was applied has another tag')
      assert.equal(result.image.body, swap.body, 'the image of a write that was applied has another body')
      return result.image
    },
    async readMany(keys) {
      if (store.readMany === undefined) return undefined
      const { readMany } = store
      return call(AbortSignal.timeout(PATIENCE_IN_CROWDS), (signal) =>
        readMany.call(store, keys, { signal, consistent: true }),
      )
    },
    async during(kind, times, act) {
      if (faults === undefined) throw new Gap('no way to make requests go wrong was given')
      if (!(await faults.inject(kind, times))) throw new Gap(`"${kind}" cannot be brought about here`)
      const before = disturbed
      disturbed = true
      memory.hung ||= kind === 'hang'
      try {
        return await act()
      } finally {
        disturbed = before
        await faults.heal()
      }
    },
  }
  return kit
}

/** Settles as the call does; fails when the call goes on long after its signal. */
function endsWith<T>(signal: AbortSignal, call: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined
    const late = new assert.AssertionError({ message: `the call outlived its signal by ${GRACE} ms` })
    const wait = (): void => {
      timer = setTimeout(() => reject(late), GRACE)
    }
    if (signal.aborted) wait()
    else signal.addEventListener('abort', wait, { once: true })
    const end = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', wait)
    }
    call.then(resolve, reject).finally(end)
  })
}

function noAnswer(patience: number, hung: boolean): string {
  const hint = hung
    ? '. A call before it ended without its answer: give the connection up then, for whatever is sent on it next waits behind that answer'
    : ''
  return `no answer within ${patience} ms, although nothing holds the call up${hint}`
}

/** Asserts that what is under the key is the write with this tag and body. */
export function assertThere(wanted: Pick<Image, 'body' | 'tag'>, seen: Seen): Image {
  assert.ok(seen.image !== undefined, 'the record is absent')
  assert.equal(seen.image.tag, wanted.tag, 'the record has the tag of another write')
  assert.equal(seen.image.body, wanted.body, 'the record has another body')
  return seen.image
}

/** Asserts that a swap met another record, and returns what was seen. */
export function assertConflict(result: Swapped): Seen {
  assert.equal(result.outcome, 'conflict', `a write that must not be applied ended as "${result.outcome}"`)
  return result.seen
}

/** Resolves to the fault with which a call rejects. Asserts its form. */
export async function faultOf(call: Promise<unknown>): Promise<StoreFault> {
  const error = await call.then(
    (value) => assert.fail(`the call resolved to ${JSON.stringify(value)} although it could not know`),
    (cause: unknown) => cause,
  )
  if (error instanceof assert.AssertionError) throw error
  assert.ok(error instanceof Error, 'a store must reject with an Error')
  const { code, retryable } = error as Partial<StoreFault> & Error
  assert.match(
    String(code),
    /^STORE_[A-Z]+$/,
    `a store must reject with a code STORE_…, not "${code}": ${error.message}`,
  )
  assert.equal(typeof retryable, 'boolean', 'a store must say whether a fault is retryable')
  return error as StoreFault
}
