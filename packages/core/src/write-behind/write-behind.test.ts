import { describe, expect, it } from 'vitest'
import type { Store, Swapped } from '../contracts.ts'
import { aesGcm } from '../seal/aes-gcm.ts'
import { withCaches } from '../tokens/handler.ts'
import { MAX_QUEUE } from './journal.ts'
import { createBehindKeys, MAX_KEYS } from './shard.ts'
import { stage } from './stage.test-data.ts'
import { type BehindFullError, type BehindUnknownError, WriteRefusedError, writeBehind } from './write-behind.ts'

/** The store, where `other` makes so many writes of key 1 whenever an answer was lost. */
function overtaken(store: Store, other: ReturnType<ReturnType<typeof stage>['environment']>, writes: number): Store {
  return {
    ...store,
    async swap(key, wanted, options) {
      const swapped = await store.swap(key, wanted, options)
      if (swapped.outcome === 'unknown')
        for (let count = 0; count < writes; count += 1) await other.write({ id: 1 }, count)
      return swapped
    },
  }
}

const add = (older: number, newer: number): number => older + newer

describe('a write', () => {
  it('is accepted at once, applied by the next drain in any environment, and never again', async () => {
    const { environment, valuesOf, calls } = stage()
    const [one, other] = [environment(), environment()]
    const first = await one.write({ id: 7 }, 'a')
    const second = await other.write({ id: 7 }, 'b')
    expect(second.n).toBeGreaterThan(first.n)
    expect(calls).toEqual([])
    expect(await other.drain()).toMatchObject({ applied: 2, keys: 1, drained: 1, left: 0 })
    expect(valuesOf(7)).toEqual(['a', 'b'])
    expect(calls.map(({ n, id }) => ({ n, id }))).toEqual([first, second].map(({ n, id }) => ({ n, id })))
    expect(await one.drain()).toMatchObject({ applied: 0, keys: 0 })
  })

  it('costs four requests to the store for a key that nothing waits for, and one for a key that waits', async () => {
    const { environment, requests } = stage()
    const behind = environment()
    await behind.write({ id: 7 }, 'a')
    expect(requests.splice(0)).toEqual(['read wb', 'read wbx', 'swap wbx', 'swap wb'])
    await behind.write({ id: 7 }, 'b')
    expect(requests.splice(0)).toEqual(['swap wb'])
    await Promise.all(Array.from({ length: 16 }, (_, index) => behind.write({ id: 7 }, index)))
    expect(requests.splice(0)).toEqual(['swap wb'])
  })

  it('is drained by four requests and one for the index, with one more for each further write', async () => {
    const { environment, requests } = stage()
    const behind = environment()
    await behind.write({ id: 7 }, 'a')
    await behind.write({ id: 7 }, 'b')
    requests.length = 0
    await behind.drain()
    // The index, the journal, the lease, a confirmation for each, and the key out of the index.
    expect(requests).toEqual(['readMany 64', 'read wb', 'swap wb', 'swap wb', 'swap wb', 'swap wbx'])
    requests.length = 0
    await behind.drain()
    expect(requests).toEqual(['readMany 64'])
  })

  it('is merged into the one that waits, so that a thousand increments are one call of "apply"', async () => {
    const { environment, calls, only } = stage()
    const [one, other] = [environment({ merge: add }), environment({ merge: add })]
    for (let round = 0; round < 10; round += 1)
      for (const behind of [one, other])
        await Promise.all(Array.from({ length: 50 }, () => behind.write({ id: 'post' }, 1)))
    await one.drain()
    expect(calls).toMatchObject([{ key: 'post', value: 1_000, merged: 1_000 }])
    expect(only('behind-applied')).toMatchObject([{ merged: 1_000 }])
    expect(one.report().accepted + other.report().accepted).toBe(1_000)
  })

  it('stands apart where the schema refuses the merged value', async () => {
    const { environment, valuesOf } = stage()
    const schema = {
      '~standard': {
        version: 1 as const,
        vendor: 'test',
        validate: (value: unknown) =>
          Number(value) <= 5 ? { value: Number(value) } : { issues: [{ message: 'large' }] },
      },
    }
    const behind = environment<number>({ merge: add, schema })
    await Promise.all([behind.write({ id: 1 }, 3), behind.write({ id: 1 }, 3)])
    await behind.write({ id: 1 }, 2)
    await behind.drain()
    expect(valuesOf(1)).toEqual([3, 5])
  })

  it('is not merged into one that a drainer was handed', async () => {
    const { environment, calls, valuesOf, failing, advance } = stage()
    const behind = environment({ merge: add })
    await behind.write({ id: 1 }, 5)
    failing.set('1', () => Promise.reject(new Error('no answer')))
    expect(await behind.drain()).toMatchObject({ failed: 1 })
    // It may be in the truth by now: the next write must not change what its number stands for.
    await behind.write({ id: 1 }, 7)
    failing.clear()
    await advance(2_000)
    await behind.drain()
    expect(valuesOf(1)).toEqual([5, 7])
    expect(calls.map(({ value }) => value)).toEqual([5, 5, 7])
  })

  it('with an id that is known already is not accepted again', async () => {
    const { environment, valuesOf } = stage()
    const [one, other] = [environment(), environment()]
    const first = await one.write({ id: 1 }, 'a', { id: 'message-1' })
    expect(await other.write({ id: 1 }, 'a', { id: 'message-1' })).toEqual(first)
    await one.drain()
    expect(await other.write({ id: 1 }, 'a', { id: 'message-1' })).toEqual(first)
    await one.drain()
    expect(valuesOf(1)).toEqual(['a'])
  })

  it.each([
    ['on its own', undefined, 'a', ['a']],
    ['merged', add, 5, [5]],
  ])('that is asked for twice at once under one id is accepted once, %s', async (_how, merge, value, taken) => {
    const { environment, valuesOf } = stage()
    const behind = environment<unknown>({ merge: merge as never })
    const ask = () => behind.write({ id: 1 }, value, { id: 'message-1' })
    const [first, second] = await Promise.all([ask(), ask()])
    expect(second).toEqual(first)
    expect(behind.report()).toMatchObject({ accepted: 1, appends: 1 })
    await behind.drain()
    expect(valuesOf(1)).toEqual(taken)
  })

  it('refuses wrong arguments before anything is written', async () => {
    const { environment, requests } = stage()
    const behind = environment()
    await expect(behind.write({} as { id: number }, 1)).rejects.toThrow('parameter "id" must be')
    await expect(behind.write({ id: 1 }, { at: new Date(0) })).rejects.toThrow('$.at is an object with a prototype')
    await expect(behind.write({ id: 1 }, 'x'.repeat(30_000))).rejects.toThrow('takes 30006 bytes')
    await expect(behind.write({ id: 1 }, '€'.repeat(10_000))).rejects.toThrow('takes 30006 bytes')
    await expect(behind.write({ id: 1 }, 1, { id: 'a b' })).rejects.toThrow('option "id" must be 1 to 64')
    expect(requests).toEqual([])
  })

  it('refuses a store that may lose what it has acknowledged, unless that is accepted', () => {
    const { counted } = stage()
    const options = { store: { ...counted, forgets: true }, name: 'a', key: 'a', apply: () => {} } as const
    expect(() => writeBehind(options)).toThrow('may lose what it has acknowledged')
    expect(writeBehind({ ...options, mayLose: true }).name).toBe('a')
  })
})

describe('a write whose answer is lost', () => {
  /** A store that applies the next swaps of journals, or not, and loses their answers. */
  const lossy = (store: Store) => {
    const losing: ('applied' | 'dropped')[] = []
    const swap: Store['swap'] = async (key, wanted, options): Promise<Swapped> => {
      const how = key.startsWith('wb~') ? losing.shift() : undefined
      if (how !== 'dropped') {
        const swapped = await store.swap(key, wanted, options)
        if (how === undefined) return swapped
      }
      return { outcome: 'unknown', cause: undefined }
    }
    return { losing, store: { ...store, swap } }
  }

  it('is recognized, and not accepted twice', async () => {
    const { environment, counted, valuesOf, finish } = stage()
    const { losing, store } = lossy(counted)
    const behind = environment({ store })
    losing.push('applied')
    await finish(behind.write({ id: 1 }, 'a'))
    losing.push('dropped', 'dropped', 'applied')
    await finish(behind.write({ id: 1 }, 'b'))
    await behind.drain()
    expect(valuesOf(1)).toEqual(['a', 'b'])
  })

  it('is recognized behind the writes of others, or made again where it is certain that it was not applied', async () => {
    for (const how of ['applied', 'dropped'] as const) {
      const { environment, counted, valuesOf } = stage()
      const { losing, store } = lossy(counted)
      const other = environment()
      const behind = environment({ store: overtaken(store, other, 20) })
      await other.write({ id: 1 }, 'first')
      losing.push(how)
      await behind.write({ id: 1 }, 'mine')
      await other.drain()
      expect(valuesOf(1).filter((value) => value === 'mine')).toEqual(['mine'])
    }
  })

  it('is rejected as unknown when more have followed than are remembered, and never written blindly', async () => {
    const { environment, counted, valuesOf } = stage()
    const { losing, store } = lossy(counted)
    const other = environment()
    const behind = environment({ store: overtaken(store, other, 40) })
    await other.write({ id: 1 }, 'first')
    losing.push('applied')
    const failed = await behind.write({ id: 1 }, 'mine', { id: 'mine' }).catch((error: unknown) => error)
    expect(failed).toMatchObject({ name: 'BehindUnknownError', code: 'BEHIND_UNKNOWN', retryable: true })
    expect((failed as BehindUnknownError).id).toBe('mine')
    await other.drain()
    expect(valuesOf(1).filter((value) => value === 'mine')).toEqual(['mine'])
  })
})

describe('back-pressure', () => {
  it('drains a full queue before it accepts one more', async () => {
    const { environment, valuesOf } = stage()
    const behind = environment()
    for (let count = 0; count < MAX_QUEUE; count += 1) await behind.write({ id: 1 }, count)
    expect(valuesOf(1)).toEqual([])
    await behind.write({ id: 1 }, 'last')
    expect(valuesOf(1)).toHaveLength(MAX_QUEUE)
    await behind.drain()
    expect(valuesOf(1).at(-1)).toBe('last')
  })

  it('rejects with the bound when the truth takes nothing, and accepts writes of other keys', async () => {
    const { environment, failing, finish, valuesOf, only } = stage()
    const behind = environment()
    failing.set('1', () => Promise.reject(new Error('down')))
    for (let count = 0; count < MAX_QUEUE; count += 1) await behind.write({ id: 1 }, count)
    const failed = await finish(behind.write({ id: 1 }, 'one more').catch((error: unknown) => error))
    expect(failed).toMatchObject({ name: 'BehindFullError', code: 'BEHIND_FULL', bound: 'queue', retryable: true })
    expect((failed as BehindFullError).message).toMatch(/holds 64 writes or 64 KB/)
    expect(only('behind-full')).toMatchObject([{ bound: 'queue' }])
    await behind.write({ id: 2 }, 'other')
    await behind.drain()
    expect(valuesOf(2)).toEqual(['other'])
  })

  it('counts the length of what waits, too', async () => {
    const { environment, store, failing, finish } = stage()
    const behind = environment()
    failing.set('1', () => Promise.reject(new Error('down')))
    for (let count = 0; count < 3; count += 1) await behind.write({ id: 1 }, 'x'.repeat(20_000))
    await expect(finish(behind.write({ id: 1 }, 'x'.repeat(20_000)))).rejects.toThrow('64 KB that wait')
    expect(await behind.backlog()).toMatchObject({ keys: 1, writes: 3 })
    expect(store.name).toBe('memory')
  })

  it('makes room in a full record of the index by draining other keys of it', async () => {
    const { environment, truth, failing, finish } = stage()
    const behind = environment()
    const { journal, shardOf, shards } = createBehindKeys('', 'test')
    const ids = []
    for (let id = 0; ids.length <= MAX_KEYS; id += 1) if (shardOf(journal(`item:${id}`)) === shards[0]) ids.push(id)
    const last = ids.pop() ?? 0
    for (const id of ids) failing.set(`${id}`, () => Promise.reject(new Error('down')))
    await Promise.all(ids.map((id) => behind.write({ id }, 'x')))
    const failed = await finish(behind.write({ id: last }, 'x').catch((error: unknown) => error))
    expect(failed).toMatchObject({ code: 'BEHIND_FULL', bound: 'index' })
    failing.clear()
    await finish(behind.write({ id: last }, 'x', { timeout: 20_000 }))
    expect(truth.size).toBeGreaterThan(0)
    await behind.drain()
    expect(truth.size).toBe(MAX_KEYS + 1)
  })

  it('rejects what an environment would keep waiting without bound', async () => {
    const { environment } = stage()
    const behind = environment()
    const writes = Array.from({ length: 1_100 }, (_, id) => behind.write({ id }, 'x'))
    const settled = await Promise.allSettled(writes)
    expect(settled.filter(({ status }) => status === 'rejected')).toHaveLength(100)
    expect(settled.at(-1)).toMatchObject({ reason: { code: 'BEHIND_FULL', bound: 'waiting' } })
  })
})

describe('a write that cannot be applied', () => {
  it('is tried again after pauses that double, before the later ones of its key', async () => {
    const { environment, failing, valuesOf, advance, only } = stage()
    const behind = environment()
    await behind.write({ id: 1 }, 'a')
    await behind.write({ id: 1 }, 'b')
    failing.set('1', () => Promise.reject(Object.assign(new Error('a secret text'), { code: 'DOWN' })))
    expect(await behind.drain()).toMatchObject({ failed: 1, applied: 0 })
    expect(await behind.drain()).toMatchObject({ waiting: 1 })
    await advance(1_500)
    expect(await behind.drain()).toMatchObject({ failed: 1 })
    await advance(1_500)
    expect(await behind.drain()).toMatchObject({ waiting: 1 })
    failing.clear()
    await advance(1_000)
    expect(await behind.drain()).toMatchObject({ drained: 1, applied: 2 })
    expect(valuesOf(1)).toEqual(['a', 'b'])
    expect(only('behind-failed')).toMatchObject([
      { code: 'DOWN', failures: 1 },
      { code: 'DOWN', failures: 2 },
    ])
  })

  it('stops its key when it is refused, until it is tried again or given up, and no other key', async () => {
    const { environment, failing, valuesOf, only } = stage()
    const behind = environment()
    await behind.write({ id: 1 }, 'bad')
    await behind.write({ id: 1 }, 'good')
    await behind.write({ id: 2 }, 'other')
    failing.set('1', () => Promise.reject(new WriteRefusedError('no such item', { code: 'NO_ITEM' })))
    expect(await behind.drain()).toMatchObject({ poisoned: 1, drained: 1, applied: 1 })
    expect(valuesOf(2)).toEqual(['other'])
    expect(only('behind-poison')).toMatchObject([{ code: 'NO_ITEM', outcome: 'stopped' }])
    const { poison } = await behind.backlog()
    expect(poison).toMatchObject([{ params: { id: 1 }, value: 'bad', outcome: 'stopped', code: 'NO_ITEM' }])
    expect(await behind.retry({ id: 1 })).toBe(1)
    expect(await behind.drain()).toMatchObject({ poisoned: 1 })
    failing.clear()
    expect(await behind.giveUp({ id: 1 })).toBe(1)
    expect(await behind.giveUp({ id: 1 })).toBe(0)
    await behind.drain()
    expect(valuesOf(1)).toEqual(['good'])
  })

  it('counts as poison after so many failures', async () => {
    const { environment, failing, advance, only } = stage()
    const behind = environment({ attempts: 3 })
    await behind.write({ id: 1 }, 'a')
    failing.set('1', () => Promise.reject(new Error('down')))
    for (let count = 0; count < 5; count += 1) {
      await behind.drain()
      await advance(300_000)
    }
    expect(only('behind-failed')).toHaveLength(2)
    expect(only('behind-poison')).toMatchObject([{ failures: 3, code: 'FAILED' }])
  })

  it('is set aside with "skip", so that later writes of its key go on, and tried again after them', async () => {
    const { environment, failing, valuesOf, truth } = stage()
    const behind = environment({ onPoison: 'skip' })
    for (const value of ['bad', 'b', 'c']) await behind.write({ id: 1 }, value)
    failing.set('1', () => {
      failing.clear()
      throw new WriteRefusedError('refused')
    })
    expect(await behind.drain()).toMatchObject({ applied: 2, poisoned: 1 })
    expect(valuesOf(1)).toEqual(['b', 'c'])
    expect((await behind.backlog()).poison).toMatchObject([{ value: 'bad', outcome: 'aside' }])
    expect(await behind.retry({ id: 1 })).toBe(1)
    expect(await behind.drain()).toMatchObject({ applied: 1, drained: 1 })
    expect(valuesOf(1)).toEqual(['b', 'c', 'bad'])
    expect(truth.size).toBe(1)
  })

  it('can be read when its journal is as full as it may be, of texts that take twice their length there', async () => {
    const { environment, failing, only } = stage()
    const behind = environment({ onPoison: 'skip' })
    // Four of them fill a queue.
    const quotes = '"'.repeat(4_050)
    await behind.write({ id: 1 }, quotes)
    await behind.drain()
    failing.set('1', () => {
      throw new WriteRefusedError('no')
    })
    for (let count = 0; count < 4; count += 1) await behind.write({ id: 1 }, quotes)
    await behind.drain()
    failing.clear()
    for (let count = 0; count < 4; count += 1) await behind.write({ id: 1 }, quotes)
    expect(await environment({ onPoison: 'skip' }).drain()).toMatchObject({ applied: 4, poisoned: 1, unreadable: 0 })
    expect(only('bad-record')).toEqual([])
  })

  it('is aborted and counts as failed when it takes too long', async () => {
    const { environment, failing, finish, only } = stage()
    const behind = environment({ applyTimeout: 500 })
    await behind.write({ id: 1 }, 'a')
    failing.set('1', () => new Promise(() => {}))
    expect(await finish(behind.drain())).toMatchObject({ failed: 1 })
    expect(only('behind-failed')).toMatchObject([{ code: 'TIMEOUT' }])
  })
})

describe('a drain', () => {
  it('begins nothing that might not end in time, and the next one goes on', async () => {
    const { environment, valuesOf } = stage()
    const behind = environment({ concurrency: 1 })
    for (const id of [1, 2, 3]) await behind.write({ id }, 'a')
    let left = 11_000
    const remaining = () => {
      left -= 10
      return left
    }
    const report = await behind.drain({ remaining })
    expect(report.left).toBeGreaterThan(0)
    expect(await behind.drain()).toMatchObject({ drained: 3 - report.drained, left: 0 })
    for (const id of [1, 2, 3]) expect(valuesOf(id)).toEqual(['a'])
  })

  it('leaves a key to the drainer that has it, and takes over when that one vanished', async () => {
    const { environment, failing, valuesOf, advance, calls } = stage()
    const [one, other] = [environment(), environment()]
    await one.write({ id: 1 }, 'a')
    const frozen = Promise.withResolvers<void>()
    failing.set('1', () => frozen.promise)
    void one.drain()
    await advance(0)
    failing.clear()
    expect(await other.drain()).toMatchObject({ busy: 1 })
    await advance(20_000)
    expect(await other.drain()).toMatchObject({ drained: 1 })
    expect(valuesOf(1)).toEqual(['a'])
    // The thawed drainer's write comes late: its number tells the truth to refuse it.
    frozen.resolve()
    await advance(0)
    expect(calls).toHaveLength(2)
    expect(valuesOf(1)).toEqual(['a'])
  })

  it('ends with a signal, and what it began is applied again under the same number', async () => {
    const { environment, failing, valuesOf, calls, advance } = stage()
    const behind = environment()
    await behind.write({ id: 1 }, 'a')
    failing.set('1', () => new Promise(() => {}))
    const controller = new AbortController()
    const draining = behind.drain({ signal: controller.signal })
    await advance(0)
    controller.abort()
    expect(await draining).toMatchObject({ left: 1 })
    failing.clear()
    expect(await behind.drain()).toMatchObject({ drained: 1 })
    expect(valuesOf(1)).toEqual(['a'])
    expect(new Set(calls.map(({ n }) => n)).size).toBe(1)
  })

  it('runs as a Lambda handler within the time of the invocation', async () => {
    const { environment, valuesOf } = stage()
    const behind = environment()
    await behind.write({ id: 1 }, 'a')
    expect(await behind.handler({ any: 'event' }, { getRemainingTimeInMillis: () => 50_000 })).toMatchObject({
      drained: 1,
    })
    expect(valuesOf(1)).toEqual(['a'])
  })

  it('says what is wrong with a Lambda function that has too little time to apply anything', async () => {
    const behind = stage().environment()
    const run = behind.handler({}, { getRemainingTimeInMillis: () => 6_000 })
    await expect(run).rejects.toThrow(/6000 ms left .* raise its timeout above 11000 ms, or lower "applyTimeout"/)
  })

  it('has time for a slow truth where nobody says how much there is', async () => {
    const { environment, valuesOf } = stage()
    const behind = environment({ applyTimeout: 300_000 })
    await behind.write({ id: 1 }, 'a')
    expect(await behind.drain()).toMatchObject({ applied: 1 })
    expect(valuesOf(1)).toEqual(['a'])
  })

  it('goes over the rest of the index where a store that reads one by one did not return a record', async () => {
    const { environment, store, valuesOf, finish } = stage()
    const failing = new Set<string>()
    const { readMany: _readMany, ...single } = store
    const behind = environment({
      store: {
        ...single,
        read: (key, options) => (failing.has(key) ? Promise.reject(new Error('reset')) : store.read(key, options)),
      },
    })
    const { journal, shardOf, shards } = createBehindKeys('', 'test')
    for (let id = 0; id < 10; id += 1) await behind.write({ id }, 'x')
    failing.add(shardOf(journal('item:3')))
    const report = await finish(behind.drain())
    expect(report).toMatchObject({ unseen: 1, applied: report.keys })
    expect(report.keys).toBeLessThan(10)
    expect(valuesOf(3)).toEqual([])
    failing.clear()
    await behind.drain()
    expect(valuesOf(3)).toEqual(['x'])
    for (const key of shards) failing.add(key)
    await expect(finish(behind.drain())).rejects.toMatchObject({ name: 'StoreError', retryable: true })
  })

  it('leaves a damaged journal as it is, tells so, and drains the others', async () => {
    const { environment, store, valuesOf, only } = stage()
    const behind = environment()
    const { key } = await behind.write({ id: 1 }, 'a').then(() => only('behind-accepted')[0] ?? { key: '' })
    await behind.write({ id: 2 }, 'b')
    const signal = AbortSignal.timeout(1_000)
    const { image } = await store.read(key, { signal, consistent: true })
    const body = '{"schema":1,"queue":"garbage"}'
    await store.swap(key, { expected: image, body, tag: 'planted', keepUntil: 0 }, { signal })
    expect(await behind.drain()).toMatchObject({ unreadable: 1, drained: 1 })
    await expect(behind.write({ id: 1 }, 'c')).rejects.toMatchObject({ code: 'STORE_UNREADABLE', retryable: false })
    expect(valuesOf(2)).toEqual(['b'])
    expect((await store.read(key, { signal, consistent: true })).image?.body).toBe(body)
    expect((await behind.backlog()).unreadable).toEqual([key])
    expect(only('bad-record')).not.toEqual([])
  })
})

describe('a key whose record of the index was lost', () => {
  it('comes back with its next write, after ten minutes', async () => {
    const { environment, store, valuesOf, advance } = stage()
    const behind = environment()
    await behind.write({ id: 1 }, 'a')
    const { journal, shardOf } = createBehindKeys('', 'test')
    const key = shardOf(journal('item:1'))
    const options = { signal: AbortSignal.timeout(1_000), consistent: true }
    const { image } = await store.read(key, options)
    await store.swap(key, { expected: image, body: 'garbage', tag: 'planted', keepUntil: 0 }, options)
    expect(await behind.drain()).toMatchObject({ keys: 0 })
    await behind.write({ id: 1 }, 'b')
    expect(await behind.drain()).toMatchObject({ keys: 0 })
    await advance(601_000)
    await behind.write({ id: 1 }, 'c')
    expect(await behind.drain()).toMatchObject({ keys: 1, drained: 1 })
    expect(valuesOf(1)).toEqual(['a', 'b', 'c'])
  })
})

describe('a key without parameters', () => {
  it('is written, read and drained without any', async () => {
    const { store, runtime } = stage()
    const applied: unknown[] = []
    const behind = writeBehind({
      store,
      runtime,
      name: 'total',
      key: 'total',
      merge: add,
      apply: (params, by: number) => void applied.push([params, by]),
    })
    await behind.write(undefined, 2)
    await behind.write(undefined, 3)
    expect(await behind.read(undefined, () => 10)).toBe(15)
    await behind.drain()
    expect(applied).toEqual([[undefined, 5]])
  })
})

describe('after a handler', () => {
  it('what it wrote is applied at once, within the time, when it is wrapped', async () => {
    const { environment, valuesOf } = stage()
    const behind = environment()
    const handler = withCaches(behind, async (_event: object, _context: object) => {
      await behind.write({ id: 1 }, 'a')
      expect(behind.busy).toBe(true)
    })
    await handler({}, { getRemainingTimeInMillis: () => 20_000 })
    expect(valuesOf(1)).toEqual(['a'])
    expect(behind.busy).toBe(false)
    // It took the key out of the index, too.
    expect(await behind.drain()).toMatchObject({ keys: 0 })
  })

  it('what there is no time for is left to the next drain, and counts as no failure', async () => {
    const { environment, failing, valuesOf, finish, only } = stage()
    const behind = environment({ attempts: 1 })
    await behind.write({ id: 1 }, 'a')
    failing.set('1', () => new Promise(() => {}))
    await finish(behind.settle({ timeout: 1_000 }))
    expect(only('behind-failed')).toEqual([])
    failing.clear()
    expect(await behind.drain()).toMatchObject({ drained: 1 })
    expect(valuesOf(1)).toEqual(['a'])
  })
})

describe('a read', () => {
  it('shows what was accepted at once, before and after it is applied, also over a load from before', async () => {
    const { environment, valuesOf } = stage()
    const [one, other] = [environment(), environment()]
    const load = () => valuesOf(1).at(-1)
    expect(await other.read({ id: 1 }, load)).toBeUndefined()
    const loaded = { done: await other.done({ id: 1 }), value: load() }
    await one.write({ id: 1 }, 'a')
    expect(await other.read({ id: 1 }, load)).toBe('a')
    expect(await other.newest({ id: 1 }, loaded)).toBe('a')
    await one.drain()
    expect(await other.read({ id: 1 }, load)).toBe('a')
    // The load knew nothing of it, whatever has happened since.
    expect(await other.newest({ id: 1 }, loaded)).toBe('a')
    const later = { done: await other.done({ id: 1 }), value: 'from the truth' }
    expect(await other.newest({ id: 1 }, later)).toBe('from the truth')
  })

  it('adds what waits to a count', async () => {
    const { environment } = stage()
    const behind = environment({ merge: add })
    await behind.write({ id: 1 }, 3)
    expect(await behind.read({ id: 1 }, () => 40)).toBe(43)
    expect(await behind.read({ id: 1 }, () => undefined)).toBe(3)
    await behind.drain()
    expect(await behind.read({ id: 1 }, () => 43)).toBe(43)
  })
})

describe('values', () => {
  it('are sealed in the store, and stand in no event and no key', async () => {
    const { environment, store, events, valuesOf, only } = stage()
    const behind = environment({ codec: aesGcm({ ring: { current: 'a', keys: { a: Buffer.alloc(32, 1) } } }) })
    await behind.write({ id: 1 }, { card: 'a secret value' })
    const key = only('behind-accepted')[0]?.key ?? ''
    const { image } = await store.read(key, { signal: AbortSignal.timeout(1_000), consistent: true })
    expect(image?.body).not.toContain('secret')
    await behind.drain()
    expect(valuesOf(1)).toEqual([{ card: 'a secret value' }])
    expect(JSON.stringify(events)).not.toContain('secret')
    expect(events.filter(({ type }) => type === 'plaintext')).toEqual([])
  })

  it('that the codec cannot seal are rejected by a code, and not accepted', async () => {
    const { environment, requests } = stage()
    const behind = environment({
      codec: {
        name: 'failing',
        seal: () => Promise.reject(new Error('a secret value')),
        open: (text) => text,
      },
    })
    const failed = await behind.write({ id: 1 }, 'a secret value').catch((error: unknown) => error)
    expect(failed).toMatchObject({ name: 'StoreError', code: 'CODEC_FAILED', retryable: true })
    expect(String(failed)).not.toContain('secret')
    expect(requests).not.toContain('swap wb')
  })
})
