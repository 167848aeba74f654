import type { Row } from './measure.ts'

/** What a request costs, in US dollars (us-east-1, on demand, 2026-11), for a record of up to 2 KB. */
export const PRICES: { readonly [name in Backend]: { readonly read: number; readonly write: number } } = {
  // 0.125 a million read units, one for a strong read of up to 4 KB; 0.625 a million write units, one a KB.
  DynamoDB: { read: 0.125e-6, write: 2 * 0.625e-6 },
  // 0.0004 a thousand GET, 0.005 a thousand PUT.
  S3: { read: 0.0004e-3, write: 0.005e-3 },
  // 0.20 a hundred thousand commands, one script each.
  Upstash: { read: 0.2e-5, write: 0.2e-5 },
}

/** The backends that have a price. */
export type Backend = 'DynamoDB' | 'S3' | 'Upstash'

const HOURS_A_MONTH = 730

/** What the row's store requests cost, per refresh and per month, in US dollars. */
export function costOf(row: Row, backend: Backend): { readonly refresh: number; readonly month: number } {
  const { read, write } = PRICES[backend]
  const total = row.environments * (row.reads * read + row.writes * write)
  return { refresh: total / row.refreshes, month: (total / row.hours) * HOURS_A_MONTH }
}
