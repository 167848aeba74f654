import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import { json } from '../accounts/http.ts'
import { handler as create } from './create.ts'
import { handler as list } from './list.ts'
import { handler as read } from './read.ts'

/** The context is Lambda's; nothing is read of it here. */
type Route = (event: APIGatewayProxyEventV2, context: never) => Promise<APIGatewayProxyStructuredResultV2>

const ROUTES: ReadonlyMap<string, Route> = new Map<string, Route>([
  ['POST /posts', create],
  ['GET /posts', list],
  ['GET /posts/{id}', read],
])

/** One function for all routes, so that they share one memory: who writes a post lists it at once there. */
export async function handler(
  event: APIGatewayProxyEventV2,
  context: never,
): Promise<APIGatewayProxyStructuredResultV2> {
  return ROUTES.get(event.routeKey)?.(event, context) ?? json(404, { error: 'no such route' })
}
