import type { Entry } from '../../contracts.ts'

/** The part of the refresh window over which environments are spread: it begins earlier for each by up to so much. */
export const JITTER_SHARE = 0.5

/** How much earlier than soft expiry one environment refreshes, in ms. `share` in [0, 1) is drawn once an environment. */
export function jitterOf(entry: Pick<Entry<unknown>, 'softExpiry' | 'hardExpiry'>, share: number): number {
  return (entry.hardExpiry - entry.softExpiry) * JITTER_SHARE * share
}
