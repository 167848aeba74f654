/** The middle of some numbers; of an even count the lower of the two. */
export function median(numbers: readonly number[]): number {
  return quantile(numbers, 0.5)
}

/** The number below which this share of them lies. `NaN` of none. */
export function quantile(numbers: readonly number[], share: number): number {
  const sorted = [...numbers].sort((one, other) => one - other)
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
}

/**
 * The median over rounds of what was measured against its limit in the same round: what slows the machine down slows
 * both, so the ratio travels where times do not.
 */
export function medianRatio(measured: readonly number[], limits: readonly number[]): number {
  return median(measured.map((one, round) => one / (limits[round] ?? Number.NaN)))
}

/** A number for a table: three digits that mean something. */
export function show(number: number): string {
  if (!Number.isFinite(number)) return '–'
  const size = Math.abs(number)
  if (size >= 1_000) return Math.round(number).toLocaleString('en-US')
  return number.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2)
}
