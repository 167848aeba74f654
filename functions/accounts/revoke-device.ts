import middy from '@middy/core'
import { authenticate } from '@warmtoken/core/authenticate'
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import { sessions } from './composition.ts'
import { json } from './http.ts'

/** `DELETE /devices/{id}`: ends one session of the user, and of nobody else. */
export const handler = middy<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2>()
  .use(authenticate(sessions))
  .handler(async (event, { session }) => {
    const id = event.pathParameters?.['id'] ?? ''
    if (!/^[\w-]{16}$/.test(id)) return json(400, { error: 'not the id of a device' })
    return (await sessions.revoke(session.userId, id)) ? json(200, {}) : json(404, { error: 'no such device' })
  })
