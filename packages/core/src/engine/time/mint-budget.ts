/** What a mint budget is counted over, in ms. */
const PERIOD = 3_600_000

/**
 * A budget is kept as one instant (the generic cell rate algorithm, ITU-T I.371): up to `burst` fetches at once, then one
 * an interval, such that no hour ever holds more than `limit` of them.
 */
function shapeOf(limit: number): { readonly interval: number; readonly tolerance: number } {
  const burst = Math.ceil(limit / 2)
  const interval = Math.ceil(PERIOD / (limit - burst + 1))
  return { interval, tolerance: (burst - 1) * interval }
}

/** From when on the budget allows another fetch, on the server's clock. */
export function budgetFreeAt(booked: number | undefined, limit: number | undefined): number {
  return booked === undefined || limit === undefined ? 0 : booked - shapeOf(limit).tolerance
}

/** The budget after one more fetch at `now`. */
export function book(booked: number | undefined, now: number, limit: number): number {
  return Math.max(booked ?? 0, Math.ceil(now)) + shapeOf(limit).interval
}
