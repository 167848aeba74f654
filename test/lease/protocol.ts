/** The table of the test. */
export const TABLE = 'leases'
/** The length of the lease, in ms. */
export const LENGTH = 1_500

/** What a holder is told at its start. */
export interface HolderOrders {
  readonly kind: 'dynamodb' | 'upstash'
  readonly url: string
  /** For `upstash`. */
  readonly token: string
  /** The address of the resource that the lease protects. */
  readonly register: string
  /** Where it writes its lines. */
  readonly file: string
}

/** A line of a holder's file. `at`: on the machine's monotonic clock, which its processes share, in ms. */
export type HolderLine =
  | { readonly type: 'begin' | 'believes' | 'accepted' | 'refused'; readonly fence: number; readonly at: number }
  | { readonly type: 'failed'; readonly at: number; readonly code: string }

/** The machine's monotonic clock in ms. */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

/** The orders as a process is handed them. */
export function parseHolderOrders(text: string | undefined): HolderOrders {
  return JSON.parse(text ?? '') as HolderOrders
}

/** One holder's time, as the lines show it. */
export interface Tenure {
  readonly fence: number
  readonly beganAt: number
  /** The last instant at which it believed to hold the lease. */
  readonly believedAt: number
}

/** The tenures in the lines of all processes, in the order of their fences. */
export function tenuresOf(lines: readonly HolderLine[]): readonly Tenure[] {
  const tenures = new Map<number, Tenure>()
  for (const line of lines) {
    if (line.type === 'begin') tenures.set(line.fence, { fence: line.fence, beganAt: line.at, believedAt: line.at })
    const tenure = line.type === 'believes' ? tenures.get(line.fence) : undefined
    if (tenure !== undefined) tenures.set(tenure.fence, { ...tenure, believedAt: line.at })
  }
  return [...tenures.values()].sort((one, other) => one.fence - other.fence)
}

/** Pairs that believed to hold the lease at the same time, as sentences. */
export function findOverlaps(tenures: readonly Tenure[]): readonly string[] {
  return tenures.flatMap((one, index) =>
    tenures
      .slice(index + 1)
      .filter((next) => next.beganAt <= one.believedAt)
      .map((next) => `${one.fence} believed until ${one.believedAt}, ${next.fence} began at ${next.beganAt}`),
  )
}
