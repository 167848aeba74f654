import type { Runtime } from '../contracts.ts'

/** Waits `ms`, or less when the signal aborts. Resolves either way: callers re-check after an abort. */
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
  | { readonly outcome: 'timed-out' }
  | { readonly outcome: 'aborted' }

/** The process got no CPU time, or was frozen, when a timer fires later than this, in ms. */
const OVERDUE = 100

/** When a call ends. */
export interface Deadline {
  /** How long the call may take. */
  readonly ms: number
  /** Ends the call too. */
  readonly signal?: AbortSignal | undefined
  /**
   * True: when the timer itself fires late, the answer may have arrived in time and not be read yet, so the call gets as
   * much longer, at most twice the time. Default false.
   */
  readonly patient?: boolean
}

/**
 * Runs a call under a deadline. The call's own signal aborts at the deadline and with the outer signal, and its promise is
 * not awaited any longer: a callee that ignores its signal cannot hold the caller. Never rejects.
 */
export function withDeadline<T>(
  runtime: Runtime,
  { ms, signal: outer, patient = false }: Deadline,
  call: (signal: AbortSignal) => Promise<T>,
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
    const end = (outcome: 'timed-out' | 'aborted'): void => {
      finish({ outcome })
      controller.abort()
    }
    const stop = (): void => end('aborted')
    const expire = (): void => {
      const overdue = runtime.monotonic() - startedAt - ms
      if (!patient || overdue < OVERDUE) end('timed-out')
      else cancel = runtime.after(Math.min(overdue, ms), () => end('timed-out'))
    }
    let cancel = runtime.after(ms, expire)
    outer?.addEventListener('abort', stop)
    // Async, so that a call that throws is no different from one that rejects.
    const called = async (): Promise<T> => call(controller.signal)
    called().then(
      (value) => finish({ outcome: 'done', value }),
      (cause: unknown) => finish({ outcome: 'failed', cause }),
    )
  })
}

/** Waits for a promise at most `ms`. What comes later is ignored. */
export function atMost<T>(runtime: Runtime, ms: number, promise: Promise<T>): Promise<Timed<T>> {
  return new Promise((resolve) => {
    const cancel = runtime.after(ms, () => resolve({ outcome: 'timed-out' }))
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
