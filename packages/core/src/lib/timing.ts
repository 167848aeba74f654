import type { Runtime } from '../contracts.ts'

/** Waits `ms`, or less when the signal aborts; resolves either way, for whoever waits looks again by itself. */
export function sleep(runtime: Runtime, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const done = (): void => {
      cancel()
      signal.removeEventListener('abort', done)
      resolve()
    }
    const cancel = runtime.after(ms, done)
    signal.addEventListener('abort', done)
  })
}

/** What became of a call with a deadline. */
export type Timed<T> =
  | { readonly outcome: 'done'; readonly value: T }
  | { readonly outcome: 'failed'; readonly cause: unknown }
  | { readonly outcome: 'late' }
  | { readonly outcome: 'aborted' }

/** A timer that fires later than this, in ms, tells of a process that was starved of its processor. */
const LATE = 100

/**
 * Runs a call under a deadline and an outer signal. The call's own signal aborts at either, and its promise is not
 * waited for any longer: a callee that ignores its signal cannot hold the caller. `patient`: when the deadline itself comes
 * late, the answer may have come in time and wait to be read, so it gets as much longer, at most twice the time.
 */
export function within<T>(
  runtime: Runtime,
  ms: number,
  outer: AbortSignal | undefined,
  call: (signal: AbortSignal) => Promise<T>,
  patient = false,
): Promise<Timed<T>> {
  return new Promise((resolve) => {
    if (outer?.aborted === true) return resolve({ outcome: 'aborted' })
    const startedAt = runtime.monotonic()
    const controller = new AbortController()
    const finish = (result: Timed<T>): void => {
      cancel()
      outer?.removeEventListener('abort', stop)
      resolve(result)
    }
    const end = (outcome: 'late' | 'aborted'): void => {
      finish({ outcome })
      controller.abort()
    }
    const stop = (): void => end('aborted')
    const expire = (): void => {
      const late = runtime.monotonic() - startedAt - ms
      if (!patient || late < LATE) end('late')
      else cancel = runtime.after(Math.min(late, ms), () => end('late'))
    }
    let cancel = runtime.after(ms, expire)
    outer?.addEventListener('abort', stop)
    // Async, so that one which throws at once is no different from one that rejects.
    const called = async (): Promise<T> => call(controller.signal)
    called().then(
      (value) => finish({ outcome: 'done', value }),
      (cause: unknown) => finish({ outcome: 'failed', cause }),
    )
  })
}

/** Waits for a promise at most `ms`; what comes later is let go without a trace. */
export function atMost<T>(runtime: Runtime, ms: number, promise: Promise<T>): Promise<Timed<T>> {
  return new Promise((resolve) => {
    const cancel = runtime.after(ms, () => resolve({ outcome: 'late' }))
    const finish = (result: Timed<T>): void => {
      cancel()
      resolve(result)
    }
    promise.then(
      (value) => finish({ outcome: 'done', value }),
      (cause: unknown) => finish({ outcome: 'failed', cause }),
    )
  })
}

/** A signal, or none. */
type MaybeSignal = AbortSignal | null | undefined

/** Waits for work until the signal aborts; rejects with the signal's reason then, as `fetch` does. The work goes on. */
export function abortable<T>(work: Promise<T>, signal: MaybeSignal): Promise<T> {
  if (!signal) return work
  return new Promise<T>((resolve, reject) => {
    const abort = (): void => reject(signal.reason)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort)
    const done = (): void => signal.removeEventListener('abort', abort)
    work.then(resolve, reject).then(done)
  })
}

/** Waits `ms`, or rejects with the reason of the signal. */
export function pause(ms: number, signal: MaybeSignal): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  return abortable(over, signal).finally(() => clearTimeout(timer))
}
