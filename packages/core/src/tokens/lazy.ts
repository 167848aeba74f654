/** Loads what no hit needs. Said once, for the name of a chunk in each place that loads it is what a hit loads too. */
export function late(): Promise<typeof import('./lazy-parts.ts')> {
  return import('./lazy-parts.ts')
}
