import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { Store } from '@warmtoken/core'
import { type LiveEvent, type Publisher, streamHandler } from '@warmtoken/core/live'
import { memoryStore } from '@warmtoken/core/memory'
import { startDynamoDB } from '@warmtoken/local'
import { afterEach, describe, expect, it } from 'vitest'
import { batch, numbers, record } from './batches.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

/** A publisher that notes the versions which it handed on; `fail` throws for some. */
function noting(fail: (events: readonly LiveEvent[]) => void = () => {}) {
  const published: number[] = []
  const publisher: Publisher = {
    name: 'noting',
    async publish(events) {
      fail(events)
      published.push(...events.map(({ version }) => version))
    },
  }
  return { publisher, published }
}

/** The batch as Lambda repeats it: from the record on that was reported. */
function repeated(records: readonly ReturnType<typeof record>[], failed: string | undefined) {
  return records.slice(records.findIndex(({ dynamodb }) => dynamodb.SequenceNumber === failed))
}

describe('the handler of a stream', () => {
  it('is given only what failed and what came after it again, when it fails in the middle of a batch', async () => {
    let isBroken = true
    const { publisher, published } = noting((events) => {
      if (isBroken && events.some(({ version }) => version === 60)) throw new Error('down')
    })
    const handler = streamHandler({ publisher })
    const first = await handler({ Records: batch(1, 100) })
    expect(first).toEqual({ batchItemFailures: [{ itemIdentifier: '51' }] })
    expect(published).toEqual(numbers(1, 50))
    isBroken = false
    const records = repeated(batch(1, 100), first.batchItemFailures[0]?.itemIdentifier)
    expect(await handler({ Records: records })).toEqual({ batchItemFailures: [] })
    expect(published).toEqual(numbers(1, 100))
  })

  it('with a store publishes again only the events that its publisher names as not sent', async () => {
    let isBroken = true
    const published: number[] = []
    const publisher: Publisher = {
      name: 'partial',
      async publish(events) {
        const unsent = events.filter(({ version }) => isBroken && (version === 53 || version === 60))
        published.push(...events.filter((event) => !unsent.includes(event)).map(({ version }) => version))
        if (unsent.length > 0) throw Object.assign(new Error('two of them failed'), { unsent })
      },
    }
    const handler = streamHandler({ publisher, store: memoryStore() })
    expect(await handler({ Records: batch(1, 100) })).toEqual({ batchItemFailures: [{ itemIdentifier: '53' }] })
    const sent = numbers(1, 75).filter((n) => n !== 53 && n !== 60)
    expect(published).toEqual(sent)
    // It fails once more, at the same place; then it goes on.
    const records = repeated(batch(1, 100), '53')
    expect(await handler({ Records: records })).toEqual({ batchItemFailures: [{ itemIdentifier: '53' }] })
    isBroken = false
    expect(await handler({ Records: records })).toEqual({ batchItemFailures: [] })
    expect([...published].sort((one, other) => one - other)).toEqual(numbers(1, 100))
  })

  it('reports what it has no time for, before the function is killed', async () => {
    const publisher: Publisher = {
      name: 'slow',
      publish: (_events, { signal }) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    }
    const context = { getRemainingTimeInMillis: () => 2_050 }
    expect(await streamHandler({ publisher })({ Records: batch(1, 3) }, context)).toEqual({
      batchItemFailures: [{ itemIdentifier: '1' }],
    })
  })

  it('ignores records without an announcement, and announcements that are none', async () => {
    const { publisher, published } = noting()
    const odd = [
      record(1, ''),
      record(2, '{"topic":"posts"}'),
      record(3, 'x'.repeat(600)),
      { dynamodb: {} },
      7,
      record(4),
    ]
    expect(await streamHandler({ publisher })({ Records: odd })).toEqual({ batchItemFailures: [] })
    expect(published).toEqual([4])
    expect(await streamHandler({ publisher })(undefined)).toEqual({ batchItemFailures: [] })
  })

  it('publishes all of a batch although its store fails, and writes no mark for a batch of one part', async () => {
    const failing: Store = {
      ...memoryStore(),
      read: () => Promise.reject(new Error('down')),
      swap: () => Promise.reject(new Error('down')),
    }
    const without = noting()
    expect(await streamHandler({ publisher: without.publisher, store: failing })({ Records: batch(1, 60) })).toEqual({
      batchItemFailures: [],
    })
    expect(without.published).toEqual(numbers(1, 60))
    let swaps = 0
    const store = memoryStore()
    const counting: Store = {
      ...store,
      swap(...call) {
        swaps += 1
        return store.swap(...call)
      },
    }
    const { publisher } = noting()
    await streamHandler({ publisher, store: counting })({ Records: batch(1, 25) })
    expect(swaps).toBe(0)
    await streamHandler({ publisher, store: counting })({ Records: batch(1, 100) })
    expect(swaps).toBe(3)
  })

  it('keeps the marks of two streams and of two applications apart', async () => {
    const store = memoryStore()
    let isBroken = true
    const made = noting((events) => {
      if (isBroken && events.some(({ version }) => version === 30)) throw new Error('down')
    })
    await streamHandler({ publisher: made.publisher, store })({ Records: batch(1, 60) })
    isBroken = false
    for (const [namespace, arn] of [
      ['other', undefined],
      [undefined, 'arn:aws:dynamodb:us-east-1:1:table/other/stream/2026'],
    ]) {
      made.published.length = 0
      const handler = streamHandler({ publisher: made.publisher, store, ...(namespace && { namespace }) })
      await handler({ Records: batch(1, 60).map((one) => ({ ...one, ...(arn && { eventSourceARN: arn }) })) })
      expect(made.published).toEqual(numbers(1, 60))
    }
  })

  it('is killed in the middle of a batch, and the next one publishes only what was not sent', async () => {
    const database = await startDynamoDB({ tables: ['live'] })
    ends.push(() => database.close())
    const received: number[] = []
    let kill: (() => void) | undefined
    const receiver = createServer(async (request, response) => {
      const events = JSON.parse(await text(request)) as readonly LiveEvent[]
      // The third part is on its way: it has arrived nowhere, and the function hears no answer.
      if (events.some(({ version }) => version === 60) && kill !== undefined) return kill()
      received.push(...events.map(({ version }) => version))
      response.end()
    })
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
    ends.push(
      () => receiver.closeAllConnections(),
      () => receiver.close(),
    )
    const { port } = receiver.address() as AddressInfo
    const script = fileURLToPath(new URL('./stream-process.ts', import.meta.url))
    const start = () => {
      const child = spawn(
        process.execPath,
        ['--conditions=source', script, database.url, `http://127.0.0.1:${port}/`],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      )
      ends.push(() => child.kill('SIGKILL'))
      return child
    }

    const killed = start()
    kill = () => void killed.kill('SIGKILL')
    const [, signal] = await once(killed, 'exit')
    expect(signal).toBe('SIGKILL')
    expect(received).toEqual(numbers(1, 50))

    kill = undefined
    // Nothing was reported, so Lambda repeats the whole batch.
    const next = start()
    expect(await text(next.stdout)).toBe('[]')
    expect(received).toEqual(numbers(1, 100))
  })
})
