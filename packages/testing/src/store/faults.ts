import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { assertConflict, assertThere, faultOf, Gap, type Kit, type Trial } from './kit.ts'
import type { StoreFaultKind } from './subject.ts'

/** More requests than any client repeats. */
const ALWAYS = 100

/** A write met by one fault: afterwards it is there once, and it was never told to have failed for good. */
async function writeThrough(kit: Kit, kind: StoreFaultKind): Promise<void> {
  const { key, put, read, write, swap, settle, during } = kit
  for (const isFirst of [true, false]) {
    const name = key()
    const wanted = write(isFirst ? undefined : await put(name))
    const result = await during(kind, 1, () => swap(name, wanted).catch(() => ({ outcome: 'rejected' }) as const))
    assert.notEqual(result.outcome, 'conflict', 'a write was told to have lost against itself')
    if (result.outcome === 'rejected') {
      assert.notEqual((await read(name)).image?.tag, wanted.tag, 'a write was rejected although it was applied')
    }
    const settled = await settle(name, wanted)
    assert.equal(settled.outcome, 'swapped')
    assertThere(wanted, await read(name))
    // What a store hands back must serve as the next expectation, however it came by it.
    if (settled.outcome === 'swapped') await put(name, settled.image)
  }
}

/** A read met by one fault: it tells the truth or rejects; absence is not made up. */
async function readThrough({ key, put, read, during }: Kit, kind: StoreFaultKind): Promise<boolean> {
  const name = key()
  const image = await put(name)
  const seen = await during(kind, 1, () => read(name).catch(() => undefined))
  if (seen !== undefined) assertThere(image, seen)
  return seen !== undefined
}

/** A fault that does not pass: reads reject, writes reject or are unknown; when it has passed, all is as before. */
async function lasting(kit: Kit, kind: StoreFaultKind, isRetryable: boolean): Promise<string> {
  const { key, put, read, write, swap, settle, during } = kit
  const name = key()
  const image = await put(name)
  const wanted = write(image)
  const [fault, result] = await during(kind, ALWAYS, async () => {
    const readFault = await faultOf(read(name))
    return [readFault, await swap(name, wanted).catch((cause: unknown) => ({ outcome: 'rejected', cause }) as const)]
  })
  assert.equal(fault.retryable, isRetryable, `retryable of ${fault.message}`)
  assert.ok(['unknown', 'rejected'].includes(result.outcome), `a write ended as "${result.outcome}"`)
  if (result.outcome === 'rejected') {
    await faultOf(Promise.reject(result.cause))
    assertThere(image, await read(name))
  }
  assert.equal((await settle(name, wanted)).outcome, 'swapped')
  assertThere(wanted, await read(name))
  return fault.code
}

/** What goes wrong on the way and in the backend. */
export const faults: Readonly<Record<string, Trial>> = {
  'a write whose answer is lost is known by its tag': async (kit) => {
    await writeThrough(kit, 'lost-reply')
    return 'pass'
  },

  'a write whose answer is cut short is known by its tag': async (kit) => {
    await writeThrough(kit, 'truncated-reply')
    return 'pass'
  },

  'a write that arrives twice is one write': async (kit) => {
    await writeThrough(kit, 'duplicate')
    return 'pass'
  },

  'a write whose answer is lost is unknown although its repeat is refused': async (kit) => {
    const { key, put, read, write, swap, settle, during } = kit
    const name = key()
    const image = await put(name)
    const wanted = write(image)
    const result = await during('lost-reply', 1, () =>
      during('denied', ALWAYS, () => swap(name, wanted).catch(() => ({ outcome: 'rejected' }) as const)),
    )
    assert.notEqual(result.outcome, 'conflict', 'a write was told to have lost against itself')
    if (result.outcome === 'rejected') {
      const { image: there } = await read(name)
      assert.notEqual(there?.tag, wanted.tag, 'a write was rejected by what its repeat met, although it was applied')
    }
    assert.equal((await settle(name, wanted)).outcome, 'swapped')
    return 'pass'
  },

  'a write that never arrives is made good': async (kit) => {
    await writeThrough(kit, 'lost-request')
    return 'pass'
  },

  'a write that met a server fault is made good': async (kit) => {
    await writeThrough(kit, 'server-error')
    return 'pass'
  },

  'a write that was throttled once is made good': async (kit) => {
    await writeThrough(kit, 'throttled')
    return 'pass'
  },

  'a write that meets another in progress is repeated (409 of S3)': async (kit) => {
    await writeThrough(kit, 'busy')
    const { key, read, write, swap, during } = kit
    const name = key()
    const result = await during('busy', ALWAYS, () =>
      swap(name, write(undefined)).catch((cause: unknown) => ({ outcome: 'rejected', cause }) as const),
    )
    assert.ok(
      ['unknown', 'rejected'].includes(result.outcome),
      `a write that others were busy with ended as "${result.outcome}"`,
    )
    if (result.outcome === 'rejected')
      assert.equal((await faultOf(Promise.reject(result.cause))).retryable, true, 'that others are busy may pass')
    assert.equal((await read(name)).image, undefined, 'nothing lands where 409 was answered')
    return 'pass'
  },

  'a write that lost is refused though its answer was lost (412 of S3)': async (kit) => {
    const { key, put, read, write, settle, during } = kit
    const name = key()
    const older = await put(name)
    const newer = await put(name, older)
    const result = await during('lost-reply', 1, () => settle(name, write(older)))
    assertThere(newer, assertConflict(result))
    assertThere(newer, await read(name))
    return 'pass'
  },

  'a read outlives one lost request': async (kit) => {
    assert.ok(await readThrough(kit, 'lost-request'), 'the client did not try again')
    return 'pass'
  },

  'a read outlives one lost answer': async (kit) => {
    assert.ok(await readThrough(kit, 'lost-reply'), 'the client did not try again')
    return 'pass'
  },

  'a read whose answer is cut short tells the truth or nothing': async (kit) => {
    for (let n = 0; n < 3; n += 1) await readThrough(kit, 'truncated-reply')
    return 'pass'
  },

  'a read that met a server fault tells the truth or nothing': async (kit) => {
    await readThrough(kit, 'server-error')
    return 'pass'
  },

  'a backend that throttles is a fault that passes': async (kit) => {
    await lasting(kit, 'throttled', true)
    return 'pass'
  },

  'a backend that fails is a fault that passes': async (kit) => {
    await lasting(kit, 'server-error', true)
    return 'pass'
  },

  'a backend that cannot be reached is a fault that passes': async (kit) => {
    await lasting(kit, 'lost-request', true)
    return 'pass'
  },

  'refused access is a fault that needs operator action': async (kit) => {
    assert.equal(await lasting(kit, 'denied', false), 'STORE_DENIED')
    return 'pass'
  },

  'a missing table or bucket is a fault that needs operator action': async (kit) => {
    assert.equal(await lasting(kit, 'missing', false), 'STORE_MISSING')
    return 'pass'
  },

  'what was written shows in no fault': async (kit) => {
    const mark = `secret${crypto.randomUUID()}`
    await assertHidden(kit, mark, [mark])
    return 'pass'
  },

  'no password shows in a fault': async (kit) => {
    const { secrets = [] } = kit.subject
    if (secrets.length === 0) return { gap: 'no `secrets` were given to look for' }
    await assertHidden(kit, 'body', secrets)
    return 'pass'
  },
}

/** Makes everything go wrong in each way, and looks for texts in whatever comes of it. */
async function assertHidden(kit: Kit, body: string, hidden: readonly string[]): Promise<void> {
  const { key, put, read, write, swap, during, subject } = kit
  if (subject.faults === undefined) throw new Gap('no way to make requests go wrong was given')
  const name = key()
  const image = await put(name, undefined, { body })
  for (const kind of ['truncated-reply', 'server-error', 'throttled', 'denied', 'lost-request'] as const) {
    const shown = await during(kind, ALWAYS, async () => {
      const results = [read(name), swap(name, write(image, { body }))].map((call) =>
        call.catch((error: unknown) => error),
      )
      return (await Promise.all(results)).map(show).join('\n')
    }).catch((error: unknown) => {
      if (error instanceof Gap) return ''
      throw error
    })
    for (const text of hidden)
      assert.ok(!shown.includes(text), `a fault of "${kind}" shows ${text === body ? 'the record' : 'a password'}`)
  }
}

/** All that a log could show of an error, or of the cause of an unknown answer. */
function show(result: unknown): string {
  const error = (result as { cause?: unknown }).cause !== undefined || result instanceof Error ? result : undefined
  return `${inspect(error, { depth: 20 })} ${JSON.stringify(error)}`
}
