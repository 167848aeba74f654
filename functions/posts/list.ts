import middy from '@middy/core'
import { warmCaches } from '@warmtoken/core/middy'
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import { json } from '../accounts/http.ts'
import { cache, list } from './composition.ts'

/** `GET /posts`: the newest posts, from memory or the table of the cache. */
export const handler = middy<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2>()
  .use(warmCaches(cache))
  .handler(async () => json(200, await list.get(undefined)))
