import { randomBytes } from 'node:crypto'
import { memoryStore } from '@warmtoken/core/memory'
import { aesGcm } from '@warmtoken/core/seal'
import { type BehindEvent, WriteRefusedError, writeBehind } from '@warmtoken/core/write-behind'
import { describe, expect, it } from 'vitest'
import { everythingOf } from '../redaction/everything.ts'

const MARK = 'card-4111-1111'

describe('a value that is written behind', () => {
  it('stands in no event, no error, no key and no record, whatever happens to it', async () => {
    const inner = memoryStore()
    const bodies: string[] = []
    let fault: string | undefined
    const store: typeof inner = {
      ...inner,
      async swap(key, swap, options) {
        if (fault === 'rejects') throw new Error(`a client that quotes ${swap.body} and ${MARK}`)
        bodies.push(key, swap.body)
        const swapped = await inner.swap(key, swap, options)
        return fault === 'loses' ? { outcome: 'unknown', cause: new Error(MARK) } : swapped
      },
    }
    const events: BehindEvent[] = []
    const errors: unknown[] = []
    let refusal: unknown = new Error(`the database says ${MARK}`)
    const behindWith = (key: Buffer, options: { readonly timeout?: number } = {}) =>
      writeBehind({
        store,
        name: 'cards',
        key: 'card:{id}',
        codec: aesGcm({ ring: { current: 'a', keys: { a: key } } }),
        attempts: 2,
        apply(_params, _value: { readonly card: string }) {
          if (refusal !== undefined) throw refusal
        },
        onEvent: (event) => void events.push(event),
        ...options,
      })
    const key = randomBytes(32)
    const behind = behindWith(key)
    const caught = (work: Promise<unknown>) => work.catch((error: unknown) => void errors.push(error))
    const value = { card: MARK }

    await behind.write({ id: 1 }, value)
    await behind.drain()
    refusal = new WriteRefusedError(`refused ${MARK}`, { cause: new Error(MARK) })
    await behind.write({ id: 2 }, value)
    await behind.drain()
    // Sealed by a key that this environment does not have.
    const stranger = behindWith(randomBytes(32))
    await behind.write({ id: 3 }, value)
    await stranger.drain()
    await caught(stranger.read({ id: 3 }, () => undefined))
    await caught(behind.write({ id: 4 }, { card: MARK, at: new Date(0) } as never))
    await caught(behind.write({ id: 4 }, { card: MARK.repeat(3_000) }))
    fault = 'rejects'
    await caught(behindWith(key, { timeout: 100 }).write({ id: 5 }, value))
    fault = 'loses'
    await caught(behindWith(key, { timeout: 100 }).write({ id: 6 }, value))

    expect(errors.length).toBeGreaterThanOrEqual(4)
    expect(events.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['behind-failed', 'behind-poison', 'codec-error', 'store-error']),
    )
    expect(everythingOf(events)).not.toContain(MARK)
    // The cause of an error of `apply` is the user's own; none of it reaches these.
    for (const error of errors) expect(everythingOf(error)).not.toContain(MARK)
    expect(bodies.join('\n')).not.toContain(MARK)
    expect((await behind.backlog()).poison).toMatchObject([{ params: { id: 2 }, value }])
  })
})
