import middy from '@middy/core'
import { createCache } from '@warmtoken/core/data'
import { warmTokens } from '@warmtoken/core/middy'
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import { api, leaderboardUrl, store } from './composition.ts'

/** One line of a leaderboard. */
interface Line {
  readonly player: string
  readonly score: number
}

/** How long a request waits for the slow API, in ms; below the function's timeout. */
const SOURCE_TIMEOUT = 8_000

/** What the fleet shares. The leases and the records are in the table of the tokens. */
const cache = createCache({ name: 'boards', store, sourceTimeout: SOURCE_TIMEOUT })

/** The API takes seconds to make a leaderboard, so one environment asks, and all others wait for it or read it. */
const leaderboard = cache.use({
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

/** `GET /leaderboard?game=chess`: a slow list, served from memory or the table. */
export const handler = middy<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2>()
  .use(warmTokens({ api }))
  .handler(async (event, { api: token }) => {
    const game = event.queryStringParameters?.['game'] ?? 'chess'
    if (!/^[a-z]{1,20}$/.test(game)) return json(400, { error: 'game' })
    const leave = cache.enter()
    try {
      const lines = await leaderboard.get({ game })
      return lines === undefined ? json(404, { error: 'not_found' }) : json(200, { tier: token.tier, game, lines })
    } finally {
      leave()
      if (cache.busy) await cache.settle()
    }
  })

function json(statusCode: number, body: unknown): APIGatewayProxyStructuredResultV2 {
  return {
    statusCode,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  }
}
