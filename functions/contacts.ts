import middy from '@middy/core'
import { warmTokens } from '@warmtoken/core/middy'
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import { api, contactsUrl } from './composition.ts'

/** `GET /contacts`: asks the protected API, and says where the token came from. */
export const handler = middy<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2>()
  .use(warmTokens({ api }))
  .handler(async (_event, { api: token }) => {
    // `api.fetch` and not `fetch` with the token's headers: if the API refuses the token, it is replaced once.
    const response = await api.fetch(contactsUrl)
    if (!response.ok) return json(502, { error: 'upstream', status: response.status })
    return json(200, {
      tier: token.tier,
      age: token.age(),
      remaining: token.remaining(),
      contacts: await response.json(),
    })
  })

function json(statusCode: number, body: unknown): APIGatewayProxyStructuredResultV2 {
  return {
    statusCode,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  }
}
