import middy from '@middy/core'
import { warmCaches } from '@warmtoken/core/middy'
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import { json } from '../accounts/http.ts'
import { cache, post, views } from './composition.ts'
import { isId } from './database.ts'

/** `GET /posts/{id}`: one post, which is viewed by that. The count follows within about two minutes. */
export const handler = middy<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2>()
  .use(warmCaches(cache))
  .handler(async ({ pathParameters }) => {
    const id = pathParameters?.['id'] ?? ''
    // An id that cannot exist asks nobody.
    const found = isId(id) ? await post.get({ id }) : undefined
    if (found === undefined) return json(404, { error: 'no such post' })
    // A view that cannot be counted keeps nobody from reading.
    await views.write({ id }, 1).catch((error: unknown) => console.error('a view was not counted', codeOf(error)))
    return json(200, found)
  })

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : 'UNKNOWN'
}
