/** A signal, or none. */
type MaybeSignal = AbortSignal | null | undefined

/** Waits for work until the signal aborts; rejects with the signal's reason then, as `fetch` does. The work goes on. */
export const abortable = <T>(work: Promise<T>, signal: MaybeSignal): Promise<T> => {
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
export const pause = (ms: number, signal: MaybeSignal): Promise<void> => {
  let timer: NodeJS.Timeout | undefined
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  return abortable(over, signal).finally(() => clearTimeout(timer))
}
