/** Loads what no hit needs. Said once, for the name of a chunk in each place that loads it is what a hit loads too. */
export const late = (): Promise<typeof import('./late.ts')> => import('./late.ts')
