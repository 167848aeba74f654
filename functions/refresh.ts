import { createSchedule, plan } from '@warmtoken/core/schedule'
import { leaderboard } from './boards.ts'
import { api, store } from './composition.ts'

/** The leaderboards that are made before anyone asks. Others are made when they are asked for. */
const GAMES = ['go']

/** What is refreshed when. */
const refreshes = plan({
  name: 'example',
  zone: 'Europe/Berlin',
  items: [
    // First: the API of the leaderboards wants the token too.
    { name: 'api', source: api, every: '30m', priority: 1 },
    { name: 'leaderboard', source: leaderboard, list: GAMES.map((game) => ({ game })), every: '15m' },
  ],
})

/** Runs each minute and refreshes what is due. An event that comes twice or late does no harm. */
export const { handler } = createSchedule({ store, plan: refreshes })
