/** What no hit needs: it is loaded with the first call of a source, and by whoever sends requests or waits. @module */

import type { fetchWith as authorizedFetch } from './fetch/authorized-fetch.ts'

export { fetchChecked } from './check-issued.ts'
export { prewarm } from './prewarm.ts'
export { settleWithin } from './settle-within.ts'

/** Most handlers send their requests themselves; and whoever sends one waits for the network anyway. */
export const fetchWith: typeof authorizedFetch = async (...request) =>
  (await import('./fetch/authorized-fetch.ts')).fetchWith(...request)
