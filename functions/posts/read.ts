import middy from '@middy/core'
import { warmCaches } from '@warmtoken/core/middy'
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import { json } from '../accounts/http.ts'
import { cache, post } from './composition.ts'
import { isId } from './database.ts'

/** `GET /posts/{id}`: one post. */
export const handler = middy<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2>()
  .use(warmCaches(cache))
  .handler(async ({ pathParameters }) => {
    const id = pathParameters?.['id'] ?? ''
    // An id that cannot exist asks nobody.
    const found = isId(id) ? await post.get({ id }) : undefined
    return found === undefined ? json(404, { error: 'no such post' }) : json(200, found)
  })
