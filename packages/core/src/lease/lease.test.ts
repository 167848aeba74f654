import { describe, expect, it } from 'vitest'
import type { Store } from '../contracts.ts'
import { virtualRuntime } from '../lib/virtual-runtime.test-data.ts'
import { memoryStore } from '../stores/memory.ts'
import { type Held, LeaseError, type LeaseHome, type LeaseOptions, withLease } from './lease.ts'

const LENGTH = 10_000

/** Environments on one store and one time. */
function stage(change: (store: Store) => Store = (store) => store) {
  const clock = virtualRuntime()
  const store = memoryStore({ wall: clock.now })
  const home: LeaseHome = { store: change(store), runtime: clock.runtime }
  const hold = <T>(work: (held: Held) => T | Promise<T>, options: Partial<LeaseOptions> = {}): Promise<T> =>
    withLease(home, 'job', { length: LENGTH, ...options }, work)
  return { ...clock, store, home, hold }
}

/** A lease that is held until `free` is called. */
function holder(hold: ReturnType<typeof stage>['hold'], options: Partial<LeaseOptions> = {}) {
  const free = Promise.withResolvers<string>()
  const started = Promise.withResolvers<Held>()
  const done = hold((held) => {
    started.resolve(held)
    return free.promise
  }, options)
  done.catch(() => {})
  return { done, held: started.promise, free: () => free.resolve('done') }
}

async function codeOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => 'resolved',
    (error: unknown) => (error instanceof LeaseError ? error.code : error),
  )
}

describe('a lease on a store that may lose what it acknowledged', () => {
  it('is told once for the store, whatever the listener does', async () => {
    const events: unknown[] = []
    const { home } = stage((store) => ({ ...store, forgets: true }))
    const onEvent: LeaseHome['onEvent'] = (event) => {
      if (event.type === 'store-forgets') events.push(event)
      throw new Error('mine')
    }
    for (let count = 0; count < 2; count += 1)
      expect(await withLease({ ...home, onEvent }, 'job', { length: LENGTH }, () => 'done')).toBe('done')
    expect(events).toEqual([{ type: 'store-forgets', store: home.store.name }])
  })

  it('is not told of another store', async () => {
    const types: string[] = []
    const { home } = stage()
    await withLease({ ...home, onEvent: ({ type }) => void types.push(type) }, 'job', { length: LENGTH }, () => 1)
    expect(types).toEqual(['acquire'])
  })
})

describe('a lease', () => {
  it('gives what the work returns, and is free again for the next with a higher fence', async () => {
    const { hold } = stage()
    const first = await hold(({ fence }) => fence)
    const second = await hold(({ fence }) => fence)
    expect(second).toBeGreaterThan(first)
  })

  it('passes on what the work throws, and is free again', async () => {
    const { hold } = stage()
    await expect(hold(() => Promise.reject(new Error('mine')))).rejects.toThrow('mine')
    expect(await hold(() => 'next')).toBe('next')
  })

  it('is refused to a second holder at once, with the instant at which it ends', async () => {
    const { hold, now } = stage()
    const first = holder(hold)
    await first.held
    const error = await hold(() => 'second').catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'LEASE_HELD', retryable: true })
    const { retryAt = 0 } = error as LeaseError
    expect(retryAt - now() - LENGTH).toBeGreaterThanOrEqual(0)
    expect(retryAt - now() - LENGTH).toBeLessThanOrEqual(100)
    first.free()
    expect(await first.done).toBe('done')
  })

  it('is waited for, and taken soon after it was given back', async () => {
    const { hold, finish, advance, now } = stage()
    const first = holder(hold)
    await first.held
    const second = hold(() => now(), { wait: 60_000 })
    await advance(5_000)
    first.free()
    const freeAt = now()
    expect((await finish(second)) - freeAt).toBeLessThanOrEqual(2_000)
  })

  it('is waited for no longer than asked', async () => {
    const { hold, finish, now } = stage()
    const first = holder(hold, { duration: 600_000 })
    await first.held
    const startedAt = now()
    expect(await codeOf(finish(hold(() => 'second', { wait: 3_000 })))).toBe('LEASE_HELD')
    expect(now() - startedAt).toBeLessThanOrEqual(3_100)
  })

  it('of a holder that vanished is free after its length, not before', async () => {
    const { hold, finish, now } = stage()
    const startedAt = now()
    const vanished = holder(hold)
    const { fence } = await vanished.held
    const takenAt = await finish(hold((held) => [now(), held.fence] as const, { wait: 60_000 }))
    expect(takenAt[0] - startedAt).toBeGreaterThanOrEqual(LENGTH)
    expect(takenAt[0] - startedAt).toBeLessThanOrEqual(LENGTH + 2_100)
    expect(takenAt[1]).toBeGreaterThan(fence)
  })

  it('aborts the work at its end, before another can begin', async () => {
    const { hold, advance, now } = stage()
    const startedAt = now()
    const first = holder(hold)
    const { signal, remaining } = await first.held
    let abortedAt = 0
    signal.addEventListener('abort', () => {
      abortedAt = now()
    })
    await advance(LENGTH)
    expect(abortedAt - startedAt).toBeLessThan(LENGTH)
    expect(remaining()).toBe(0)
    expect(await codeOf(first.done)).toBe('LEASE_LOST')
  })

  it('is renewed up to its duration, and not beyond', async () => {
    const { hold, advance, now } = stage()
    const first = holder(hold, { duration: 60_000 })
    const { remaining, signal } = await first.held
    const startedAt = now()
    for (let second = 0; second < 55; second += 1) {
      await advance(1_000)
      expect(remaining()).toBeGreaterThan(0)
    }
    expect(await codeOf(hold(() => 'second'))).toBe('LEASE_HELD')
    await advance(5_000 - 1)
    expect(signal.aborted).toBe(true)
    expect(now() - startedAt).toBeLessThan(60_000)
    expect(await hold(() => 'refused while it may be held').catch(() => 'held')).toBe('held')
    await advance(1_000)
    expect(await hold(() => 'next')).toBe('next')
  })

  it('tells a holder that was frozen before any timer fires', async () => {
    const { home, hold, runtime } = stage()
    let ahead = 0
    const frozen = { ...runtime, wall: () => runtime.wall() + ahead, after: () => () => {} }
    const thawed = await withLease({ ...home, runtime: frozen }, 'job', { length: LENGTH }, ({ remaining }) => {
      ahead = LENGTH
      return remaining()
    }).catch((error: unknown) => error)
    expect(thawed).toMatchObject({ code: 'LEASE_LOST' })
    // It gave nothing back, for another might have had it.
    expect(await codeOf(hold(() => 'second'))).toBe('LEASE_HELD')
  })

  it('that another has taken over is not given back by the one who lost it', async () => {
    const { hold, finish } = stage()
    const first = holder(hold)
    await first.held
    const second = holder(hold, { wait: 60_000 })
    await finish(second.held)
    first.free()
    await first.done.catch(() => {})
    expect(await codeOf(hold(() => 'third'))).toBe('LEASE_HELD')
    second.free()
    expect(await second.done).toBe('done')
  })

  it('is recognized as acquired and as given back when the answers are lost', async () => {
    let lose = true
    const { hold, finish } = stage((store) => ({
      ...store,
      async swap(key, swap, how) {
        const swapped = await store.swap(key, swap, how)
        lose = !lose
        return lose ? swapped : { outcome: 'unknown', cause: new Error('lost') }
      },
    }))
    expect(await finish(hold(({ fence }) => fence, { wait: 5_000 }))).toBeGreaterThan(0)
    expect(await finish(hold(() => 'next', { wait: 5_000 }))).toBe('next')
  })

  it('is renewed although the answers to renewals are lost', async () => {
    let calls = 0
    const { hold, advance } = stage((store) => ({
      ...store,
      async swap(key, swap, how) {
        const swapped = await store.swap(key, swap, how)
        calls += 1
        return calls % 2 === 0 ? { outcome: 'unknown', cause: new Error('lost') } : swapped
      },
    }))
    const first = holder(hold, { duration: 60_000 })
    const { remaining } = await first.held
    await advance(30_000)
    expect(remaining()).toBeGreaterThan(0)
    first.free()
    expect(await first.done).toBe('done')
  })

  it('waits for work that ends by the signal of the caller, then releases the lease', async () => {
    const { hold } = stage()
    const caller = new AbortController()
    const work = hold(
      ({ signal }) => new Promise<string>((resolve) => signal.addEventListener('abort', () => resolve('cleaned up'))),
      { signal: caller.signal },
    )
    await new Promise((resolve) => setImmediate(resolve))
    caller.abort(new Error('enough'))
    expect(await work).toBe('cleaned up')
    expect(await hold(() => 'next')).toBe('next')
  })

  it('ends a wait by the signal of the caller', async () => {
    const { hold, advance } = stage()
    const first = holder(hold)
    await first.held
    const caller = new AbortController()
    const second = hold(() => 'second', { wait: 9_000, signal: caller.signal })
    const refused = expect(second).rejects.toThrow('enough')
    await advance(500)
    caller.abort(new Error('enough'))
    await refused
  })

  it('takes over a record that cannot be read only after a whole length', async () => {
    const { hold, home, store, finish, now } = stage()
    await hold(() => 'known')
    const { makeKey } = await import('../lib/key.ts')
    const key = makeKey('lease', home.namespace ?? '', 'job')
    const how = { signal: new AbortController().signal, consistent: true }
    const { image } = await store.read(key, how)
    await store.swap(key, { expected: image, body: 'garbage', tag: 'planted', keepUntil: now() + 1e9 }, how)
    const startedAt = now()
    expect(await codeOf(hold(() => 'at once'))).toBe('LEASE_HELD')
    const takenAt = await finish(hold(() => now(), { wait: 60_000 }))
    expect(takenAt - startedAt).toBeGreaterThan(LENGTH)
  })

  it('goes on waiting while the store fails for a moment, and rejects at once when it refuses', async () => {
    let fault: { readonly code: string; readonly retryable: boolean } | undefined
    const { hold, finish, advance } = stage((store) => ({
      ...store,
      async read(key, how) {
        if (fault) throw Object.assign(new Error('no'), fault)
        return store.read(key, how)
      },
    }))
    fault = { code: 'STORE_UNAVAILABLE', retryable: true }
    const patient = hold(() => 'in the end', { wait: 5_000 })
    await advance(1_000)
    fault = undefined
    expect(await finish(patient)).toBe('in the end')
    fault = { code: 'STORE_DENIED', retryable: false }
    await expect(hold(() => 'never', { wait: 5_000 })).rejects.toMatchObject({ code: 'STORE_DENIED' })
  })

  it('of different names and namespaces do not meet', async () => {
    const { home, hold } = stage()
    const first = holder(hold)
    await first.held
    expect(await withLease(home, 'other', { length: LENGTH }, () => 'other name')).toBe('other name')
    expect(await withLease({ ...home, namespace: 'test' }, 'job', { length: LENGTH }, () => 'apart')).toBe('apart')
    first.free()
    await first.done
  })

  it.each<[string, unknown, unknown, unknown, string]>([
    ['no store', {}, 'job', { length: 5_000 }, 'option "store"'],
    ['an empty name', undefined, '', { length: 5_000 }, 'the name of a lease'],
    ['no length', undefined, 'job', {}, 'option "length" must be ms, 1000 to 900000'],
    ['a length of half a second', undefined, 'job', { length: 500 }, 'option "length"'],
    ['a length of a day', undefined, 'job', { length: 86_400_000 }, 'option "length"'],
    [
      'a duration below the length',
      undefined,
      'job',
      { length: 5_000, duration: 2_000 },
      '"duration" must be at least',
    ],
    ['a wait below zero', undefined, 'job', { length: 5_000, wait: -1 }, 'option "wait"'],
    ['an unknown option', undefined, 'job', { length: 5_000, ttl: 1 }, 'unknown option "ttl"'],
  ])('refuses %s with a message that names it', async (_what, home, name, options, message) => {
    const given = (home ?? { store: memoryStore() }) as LeaseHome
    await expect(withLease(given, name as string, options as LeaseOptions, () => 1)).rejects.toThrow(message)
  })
})
