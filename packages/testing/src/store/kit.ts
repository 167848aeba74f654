import assert from 'node:assert/strict'
import type { Image, Seen, StoreFault, Swap, Swapped } from '@warmtoken/core'
import type { CaseResult, StoreFaultKind, StoreSubject } from './subject.ts'

/** How long a record of the suite is kept by backends that clean up, in ms. */
export const KEEP = 3_600_000
/** How long a call may take that nothing holds up, in ms: far beyond any client's own time-outs. */
const PATIENCE = 20_000
/** How often a write whose answer was lost is repeated. Each repeat has the same tag, so one answer settles it. */
const MAX_REPEATS = 8

/** A case before it has a subject. */
export type Trial = (kit: Kit) => Promise<CaseResult>

/** A case's thread of words: thrown to say that it cannot be tried, and why. */
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
  settle(key: string, swap: Swap): Promise<Swapped>
  /** Writes and expects to have written. Resolves to the image. */
  put(key: string, expected?: Image, more?: Partial<Swap>): Promise<Image>
  /** Makes requests go wrong while `act` runs. Throws {@link Gap} when that cannot be done. */
  during<T>(kind: StoreFaultKind, times: number, act: () => Promise<T>): Promise<T>
}

/** A body that no other write has. */
export function newBody(): string {
  return JSON.stringify({ made: crypto.randomUUID() })
}

/** Makes the kit of one case. */
export function makeKit(subject: StoreSubject): Kit {
  const { store, faults } = subject
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
    read: (key, { signal = patience(), consistent = true } = {}) => store.read(key, { signal, consistent }),
    swap: (key, swap, signal = patience()) => store.swap(key, swap, { signal }),
    async settle(key, swap) {
      let result = await kit.swap(key, swap)
      for (let n = 0; n < MAX_REPEATS && result.outcome === 'unknown'; n += 1) result = await kit.swap(key, swap)
      return result
    },
    async put(key, expected, more) {
      const swap = kit.write(expected, more)
      const result = await kit.settle(key, swap)
      assert.equal(result.outcome, 'swapped', `a write that nobody disturbs ended as "${result.outcome}"`)
      assert.equal(result.image.tag, swap.tag, 'the image of a write that was applied has another tag')
      assert.equal(result.image.body, swap.body, 'the image of a write that was applied has another body')
      return result.image
    },
    async during(kind, times, act) {
      if (faults === undefined) throw new Gap('no way to make requests go wrong was given')
      if (!(await faults.inject(kind, times))) throw new Gap(`"${kind}" cannot be brought about here`)
      try {
        return await act()
      } finally {
        await faults.heal()
      }
    },
  }
  return kit
}

function patience(): AbortSignal {
  return AbortSignal.timeout(PATIENCE)
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
