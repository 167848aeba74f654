/** The window in which an imitation counts requests, in ms. */
const WINDOW = 60_000

/**
 * Counts requests in windows of a minute. What it returns gives the whole seconds to wait for a request that is one too
 * many, `undefined` for one that is not. Without a limit none is.
 */
export function createRateLimit(limit: number | undefined): (now: number) => number | undefined {
  let startedAt = Number.NEGATIVE_INFINITY
  let count = 0
  return (now) => {
    if (now - startedAt >= WINDOW) [startedAt, count] = [now, 0]
    count += 1
    return limit === undefined || count <= limit ? undefined : Math.ceil((startedAt + WINDOW - now) / 1_000)
  }
}
