import type { Runtime } from '../contracts.ts'

/** Waits `ms`, or less when the signal aborts; resolves either way, for whoever waits looks again by itself. */
export const sleep = (runtime: Runtime, ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const done = (): void => {
      cancel()
      signal.removeEventListener('abort', done)
      resolve()
    }
    const cancel = runtime.after(ms, done)
    signal.addEventListener('abort', done)
  })

/** What became of a call with a deadline. */
export type Timed<T> =
  | { readonly outcome: 'done'; readonly value: T }
  | { readonly outcome: 'failed'; readonly cause: unknown }
  | { readonly outcome: 'late' }

/**
 * Runs a call under a deadline and an outer signal. The call's own signal aborts at either, and its promise is not
 * waited for any longer: a callee that ignores its signal cannot hold the caller.
 */
export const within = <T>(
  runtime: Runtime,
  ms: number,
  outer: AbortSignal | undefined,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<Timed<T>> =>
  new Promise((resolve) => {
    if (outer?.aborted === true) return resolve({ outcome: 'late' })
    const controller = new AbortController()
    const finish = (result: Timed<T>): void => {
      cancel()
      outer?.removeEventListener('abort', stop)
      resolve(result)
    }
    const stop = (): void => {
      finish({ outcome: 'late' })
      controller.abort()
    }
    const cancel = runtime.after(ms, stop)
    outer?.addEventListener('abort', stop)
    call(controller.signal).then(
      (value) => finish({ outcome: 'done', value }),
      (cause: unknown) => finish({ outcome: 'failed', cause }),
    )
  })

/** Waits for a promise at most `ms`; what comes later is let go without a trace. */
export const atMost = <T>(runtime: Runtime, ms: number, promise: Promise<T>): Promise<Timed<T>> =>
  within(runtime, ms, undefined, () => promise)
