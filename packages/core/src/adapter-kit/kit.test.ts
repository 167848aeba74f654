import { inspect } from 'node:util'
import { afterEach, describe, expect, it, vi } from 'vitest'
import {
  isStoreFault,
  lazyStore,
  markAmbiguous,
  mayHaveBeenApplied,
  memoize,
  parseServerDate,
  repeatOnce,
  storeFault,
  withClient,
  withDeadline,
} from './index.ts'

afterEach(() => vi.useRealTimers())

function rejectionOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => undefined,
    (error: unknown) => error,
  )
}

describe('a store fault', () => {
  it('has a code, says whether it may pass, and shows nothing that the cause quotes', () => {
    const cause = Object.assign(new SyntaxError('unexpected token in {"secret":"marked"}'), {
      code: 'ERR_PARSE',
      $metadata: { httpStatusCode: 503, requestId: 'marked' },
      $response: { body: 'marked' },
    })
    const fault = storeFault('the answer is not JSON', { code: 'STORE_UNAVAILABLE', retryable: true, cause })
    expect(fault).toMatchObject({ name: 'StoreFault', code: 'STORE_UNAVAILABLE', retryable: true })
    expect(fault.cause).toMatchObject({ name: 'SyntaxError', code: 'ERR_PARSE', $metadata: { httpStatusCode: 503 } })
    expect(inspect(fault, { depth: 9 })).not.toContain('marked')
    expect(isStoreFault(fault)).toBe(true)
    expect(isStoreFault(cause)).toBe(false)
  })

  it('shows text of a server on one line and cut to a length', () => {
    const cause = Object.assign(new Error('no\r\nset-cookie: a'), { name: 'Evil\u001b[2J', syscall: 'connect' })
    const facts = { code: 'STORE_REFUSED', retryable: false, cause }
    const fault = storeFault(`table x: ${'\u202e\n'.repeat(1_000)}`, facts)
    expect(fault.message).toMatch(/^table x: \?+$/)
    expect(fault.message.length).toBe(500)
    expect(fault.cause).toMatchObject({ name: 'Error', message: 'no??set-cookie: a' })
  })

  it('shows the message of an error of the operating system, and of one that is known to be harmless', () => {
    const system = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), {
      code: 'ECONNREFUSED',
      syscall: 'connect',
    })
    const facts = { code: 'STORE_UNAVAILABLE', retryable: true }
    expect(storeFault('x', { ...facts, cause: system }).cause).toMatchObject({ message: system.message })
    expect(storeFault('x', { ...facts, cause: new Error('no access'), keepMessage: true }).cause).toMatchObject({
      message: 'no access',
    })
    expect(storeFault('x', { ...facts, cause: 'marked' }).cause).toBeUndefined()
  })
})

describe('a repeat', () => {
  const { signal } = new AbortController()
  const how = { signal, pause: 0, isUnanswered: (error: unknown) => error instanceof Error && error.name === 'Lost' }
  const lost = (): Error => Object.assign(new Error('lost'), { name: 'Lost' })
  /** Attempts that end one after the other as told. */
  function attempts(...outcomes: readonly unknown[]) {
    let count = 0
    return async () => {
      const outcome = outcomes[count]
      count += 1
      if (outcome instanceof Error) throw outcome
      return { outcome, count }
    }
  }

  it('follows a request that got no answer, once', async () => {
    expect(await repeatOnce(attempts(lost(), 'ok'), how)).toEqual({ outcome: 'ok', count: 2 })
    expect(await repeatOnce(attempts('ok'), how)).toEqual({ outcome: 'ok', count: 1 })
  })

  it('marks its answer as ambiguous, and not that of a first attempt', async () => {
    expect(mayHaveBeenApplied(await repeatOnce(attempts(lost(), 'ok'), how))).toBe(true)
    expect(mayHaveBeenApplied(await repeatOnce(attempts('ok'), how))).toBe(false)
  })

  it('marks what it fails with as ambiguous, whatever that says', async () => {
    const denied = new Error('denied')
    expect(await rejectionOf(repeatOnce(attempts(lost(), denied), how))).toBe(denied)
    expect(mayHaveBeenApplied(denied)).toBe(true)
  })

  it('does not follow an answer, which stays unambiguous', async () => {
    const denied = new Error('denied')
    expect(await rejectionOf(repeatOnce(attempts(denied, 'ok'), how))).toBe(denied)
    expect(mayHaveBeenApplied(denied)).toBe(false)
  })

  it('does not follow an abort, after which the write may have been applied', async () => {
    const error = lost()
    const aborted = { ...how, signal: AbortSignal.abort(), pause: 60_000 }
    expect(await rejectionOf(repeatOnce(attempts(error, 'ok'), aborted))).toBe(error)
    expect(mayHaveBeenApplied(error)).toBe(true)
  })

  it('is remembered of objects only: anything else can be marked and is not', () => {
    expect(mayHaveBeenApplied(markAmbiguous('text'))).toBe(false)
  })
})

describe('a memoized load', () => {
  it('runs once however many call, and again after a failure', async () => {
    const load = vi.fn(async () => load.mock.calls.length).mockRejectedValueOnce(new Error('first'))
    const get = memoize(load)
    await expect(Promise.all([get(), get()])).rejects.toThrow('first')
    expect(await Promise.all([get(), get()])).toEqual([2, 2])
    expect(load).toHaveBeenCalledTimes(2)
  })

  it('runs again after its maximal age, and keeps the old value when the failure allows it', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const load = vi.fn(async () => load.mock.calls.length)
    const get = memoize(load, { maxAge: 1_000, survives: (error) => (error as Error).message === 'passing' })
    expect(await get()).toBe(1)
    vi.setSystemTime(Date.now() + 1_001)
    load.mockRejectedValueOnce(new Error('passing'))
    expect(await get()).toBe(1)
    load.mockRejectedValueOnce(new Error('final'))
    await expect(get()).rejects.toThrow('final')
    expect(await get()).toBe(4)
  })
})

describe('a call with a client', () => {
  const { signal } = new AbortController()

  it('destroys the client that was made for it, also after a failure, and never one that was given', async () => {
    const client = { destroy: vi.fn(), ask: async () => 'answer' }
    const make = () => client
    expect(await withClient({ given: undefined, make, signal }, (one) => one.ask())).toBe('answer')
    await expect(
      withClient({ given: undefined, make, signal }, () => Promise.reject(new Error('failed'))),
    ).rejects.toThrow('failed')
    expect(client.destroy).toHaveBeenCalledTimes(2)
    expect(await withClient({ given: client, make, signal }, (one) => one.ask())).toBe('answer')
    expect(await withClient({ given: async () => client, make, signal }, (one) => one.ask())).toBe('answer')
    expect(client.destroy).toHaveBeenCalledTimes(2)
  })

  it('ends when the signal aborts, though the client never answers', async () => {
    const controller = new AbortController()
    const client = { destroy: vi.fn() }
    const call = withClient(
      { given: undefined, make: () => client, signal: controller.signal },
      () => new Promise(() => {}),
    )
    controller.abort()
    await expect(call).rejects.toMatchObject({ name: 'AbortError' })
    expect(client.destroy).toHaveBeenCalledOnce()
  })
})

describe('a lazy store', () => {
  const how = { signal: new AbortController().signal, consistent: true }
  const seen = { image: undefined, time: undefined }
  const calls = { read: async () => seen, swap: async () => ({ outcome: 'conflict', seen }) as const }

  it('loads its requests once, before the first of them, and again after a failure', async () => {
    const load = vi.fn(async () => calls).mockRejectedValueOnce(new Error('not installed'))
    const store = lazyStore({ name: 'slow', load })
    expect(load).not.toHaveBeenCalled()
    await expect(store.open?.()).rejects.toThrow('not installed')
    expect(await Promise.all([store.read('a', how), store.read('b', how)])).toEqual([seen, seen])
    await store.swap('a', { expected: undefined, body: 'b', tag: 't', keepUntil: 1 }, how)
    expect(load).toHaveBeenCalledTimes(2)
  })

  it('reads many keys when its requests do', async () => {
    const readMany = async (keys: readonly string[]) => new Map(keys.map((key) => [key, seen]))
    const store = lazyStore({ name: 'many', load: async () => ({ ...calls, readMany }), many: true })
    expect(await store.readMany?.(['a'], how)).toEqual(new Map([['a', seen]]))
    expect(lazyStore({ name: 'one', load: async () => calls }).readMany).toBeUndefined()
  })
})

describe('a deadline', () => {
  it('ends a call that takes longer, and aborts its signal', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    let inner: AbortSignal | undefined
    const call = withDeadline(350, undefined, (signal) => {
      inner = signal
      return new Promise(() => {})
    })
    const ended = expect(call).rejects.toMatchObject({ name: 'TimeoutError', message: 'no answer within 350 ms' })
    await vi.advanceTimersByTimeAsync(350)
    await ended
    expect(inner?.aborted).toBe(true)
  })

  it('passes an answer, a failure and an abort on', async () => {
    const controller = new AbortController()
    expect(await withDeadline(1_000, controller.signal, async () => 'answer')).toBe('answer')
    await expect(withDeadline(1_000, undefined, () => Promise.reject(new Error('failed')))).rejects.toThrow('failed')
    const call = withDeadline(1_000, controller.signal, () => new Promise(() => {}))
    controller.abort()
    await expect(call).rejects.toMatchObject({ name: 'AbortError' })
  })
})

it('the date of an answer is a second wide, and what is not a date is no time', () => {
  expect(parseServerDate('Sun, 29 Nov 2026 10:00:00 GMT')).toEqual({ at: Date.UTC(2026, 10, 29, 10), precision: 1_000 })
  expect(parseServerDate('soon')).toBeUndefined()
  expect(parseServerDate(undefined)).toBeUndefined()
})
