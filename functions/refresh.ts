import { createSchedule, plan } from '@warmtoken/core/schedule'
import { api, store } from './composition.ts'

/** What is refreshed when. Resources of a data cache and lists of parameters may stand beside it. */
const refreshes = plan({
  name: 'example',
  zone: 'Europe/Berlin',
  items: [{ name: 'api', source: api, every: '30m' }],
})

/** Runs each minute and refreshes what is due. An event that comes twice or late does no harm. */
export const { handler } = createSchedule({ store, plan: refreshes })
