/** One round of the arrival bench: all environments ask at this instant for a token that nobody has. */
export interface Round {
  readonly number: number
  /** On the machine's monotonic clock, which its processes share, in ms. */
  readonly startAt: number
  /** Only one read each, to learn what this machine takes for that. */
  readonly readOnly: boolean
}

/** How one environment fared. Instants are in ms since the common start. */
export interface Arrival {
  /** Where its token came from: `source` for the one that fetched it. */
  readonly tier: string
  /** How late the process itself began. */
  readonly late: number
  /** When it held the token. */
  readonly after: number
  /** When it began each of its waits. */
  readonly polls: readonly number[]
}

/** The machine's monotonic clock in ms. */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

/** The middle one; the upper of two. */
export function median(numbers: readonly number[]): number {
  return numbers.toSorted((one, other) => one - other)[Math.floor(numbers.length / 2)] ?? Number.NaN
}
