import type { Entry } from '../../contracts.ts'

/** The part of the refresh window over which environments are spread: it begins earlier for each by up to so much. */
export const JITTER_SHARE = 0.5

/** By how much one environment asks earlier than soft expiry, in ms. `share` in [0, 1) is drawn once an environment. */
export function earlyBy(entry: Pick<Entry<unknown>, 'softExpiry' | 'hardExpiry'>, share: number): number {
  return (entry.hardExpiry - entry.softExpiry) * JITTER_SHARE * share
}
