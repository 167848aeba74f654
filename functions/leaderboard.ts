import middy from '@middy/core'
import { warmCaches, warmTokens } from '@warmtoken/core/middy'
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import { boards, leaderboard } from './boards.ts'
import { api } from './composition.ts'

/** `GET /leaderboard?game=chess`: a slow list, served from memory or the table. */
export const handler = middy<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2>()
  .use(warmTokens({ api }))
  .use(warmCaches(boards))
  .handler(async (event, { api: token }) => {
    const game = event.queryStringParameters?.['game'] ?? 'chess'
    if (!/^[a-z]{1,20}$/.test(game)) return json(400, { error: 'game' })
    const lines = await leaderboard.get({ game })
    return lines === undefined ? json(404, { error: 'not_found' }) : json(200, { tier: token.tier, game, lines })
  })

function json(statusCode: number, body: unknown): APIGatewayProxyStructuredResultV2 {
  return {
    statusCode,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  }
}
