import { createCache } from '@warmtoken/core/data'
import { api, leaderboardUrl, store } from './composition.ts'

/** One line of a leaderboard. */
interface Line {
  readonly player: string
  readonly score: number
}

/** How long a request waits for the slow API, in ms; below the timeouts of the functions. */
const SOURCE_TIMEOUT = 8_000

/** What the fleet shares. The leases and the records are in the table of the tokens. */
export const boards = createCache({ name: 'boards', store, sourceTimeout: SOURCE_TIMEOUT })

/** The API takes seconds to make a leaderboard, so one environment asks, and all others wait for it or read it. */
export const leaderboard = boards.use({
  key: 'leaderboard:{game}',
  name: 'leaderboard',
  fresh: 30_000,
  usable: 3_600_000,
  // A game that does not exist is asked for once in ten seconds.
  none: 10_000,
  load: async ({ game }, { signal }): Promise<readonly Line[] | undefined> => {
    const url = new URL(`?game=${encodeURIComponent(game)}`, leaderboardUrl)
    const response = await api.fetch(url, { signal })
    if (response.status === 404) return undefined
    if (!response.ok) throw new Error(`the leaderboard API answered ${response.status}`)
    return (await response.json()) as readonly Line[]
  },
})
