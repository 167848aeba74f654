/** Buckets grow by this factor, so the middle of one is at most 4.9 % (√1.1 − 1) away from anything in it. */
const GROWTH = 1.1
/** Enough buckets for ten years in ms: 1.1^278. */
const BUCKETS = 280
const STEP = Math.log(GROWTH)

/** Durations in ms, whose quantiles are known without keeping each of them: 280 numbers, however many are added. */
export interface Histogram {
  /** Adds a length. What is not a number from 0 on is left out. */
  add(length: number): void
  /** Adds all of another. */
  merge(other: Histogram): void
  /** How many there are. */
  readonly count: number
  /** The least, `null` when there is none. Exact. */
  readonly least: number | null
  /** The nearest-rank quantile, within 5 % or 1 ms; `null` when there is none. */
  quantile(share: number): number | null
  /** For `merge`. */
  readonly parts: { readonly buckets: Float64Array; readonly least: number; readonly most: number }
}

/** Bucket 0 holds what is below 1 ms; bucket i what is from 1.1^(i-1) to 1.1^i. */
function bucketOf(length: number): number {
  return length < 1 ? 0 : Math.min(BUCKETS - 1, Math.floor(Math.log(length) / STEP) + 1)
}

/** Makes an empty histogram. */
export function createHistogram(): Histogram {
  const buckets = new Float64Array(BUCKETS)
  let [count, least, most] = [0, Number.POSITIVE_INFINITY, 0]
  return {
    add(length) {
      if (!(Number.isFinite(length) && length >= 0)) return
      const bucket = bucketOf(length)
      buckets[bucket] = (buckets[bucket] ?? 0) + 1
      count += 1
      if (length < least) least = length
      if (length > most) most = length
    },
    merge(other) {
      for (const [bucket, more] of other.parts.buckets.entries()) buckets[bucket] = (buckets[bucket] ?? 0) + more
      count += other.count
      least = Math.min(least, other.parts.least)
      most = Math.max(most, other.parts.most)
    },
    get count() {
      return count
    },
    get least() {
      return count === 0 ? null : Math.round(least)
    },
    quantile(share) {
      if (count === 0) return null
      let left = Math.max(1, Math.ceil(share * count))
      const bucket = buckets.findIndex((here) => {
        left -= here
        return left <= 0
      })
      const middle = bucket === 0 ? 0 : GROWTH ** (bucket - 0.5)
      return Math.round(Math.min(most, Math.max(least, middle)))
    },
    get parts() {
      return { buckets, least, most }
    },
  }
}
