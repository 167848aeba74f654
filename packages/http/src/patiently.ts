/** How late a timer must be to tell of starvation, in ms. */
const LATE = 100

/**
 * Calls back after `ms`, unless the returned function is called first. A timer that is late tells of a process that was
 * starved of its processor: what it waits for may have come in time and wait to be read, so it gets as much longer, at most
 * twice the time.
 */
export function patiently(ms: number, callback: () => void): () => void {
  const startedAt = Date.now()
  let timer = setTimeout(() => {
    const late = Date.now() - startedAt - ms
    if (late < LATE) callback()
    else timer = setTimeout(callback, Math.min(late, ms))
  }, ms)
  return () => clearTimeout(timer)
}
