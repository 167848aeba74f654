import middy from '@middy/core'
import { authenticate } from '@warmtoken/core/authenticate'
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import { sessions } from '../accounts/composition.ts'
import { json } from '../accounts/http.ts'
import { live, posts } from './composition.ts'

/** `POST /posts` and `POST /posts/{id}/like`: a change that everyone who is awake sees. */
export const handler = middy<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2>()
  .use(authenticate(sessions))
  .handler(async (event, { session }) => {
    const id = event.pathParameters?.['id']
    const text = (event.body ?? '').trim()
    if (id === undefined && text === '') return json(400, { error: 'give a string' })
    const post = id === undefined ? await posts.add(session.userId, text) : await posts.like(id)
    await live.settle()
    return post === undefined ? json(404, { error: 'no such post' }) : json(200, post)
  })
