import middy from '@middy/core'
import { authenticate } from '@warmtoken/core/authenticate'
import { SourceRefusedError } from '@warmtoken/core/errors'
import { warmCaches } from '@warmtoken/core/middy'
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import { sessions } from '../accounts/composition.ts'
import { json } from '../accounts/http.ts'
import { cache, POSTS, post } from './composition.ts'
import { newId } from './database.ts'

/** The longest post, in characters. */
const MAX_TEXT = 280

/** `POST /posts`: writes a post of the user who is signed in. */
export const handler = middy<APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2>()
  .use(authenticate(sessions))
  .use(warmCaches(cache))
  .handler(async ({ body = '', isBase64Encoded }, { session }) => {
    const text = (isBase64Encoded ? Buffer.from(body, 'base64').toString() : body).trim()
    if (text === '' || text.length > MAX_TEXT || !text.isWellFormed())
      return json(400, { error: `give a string of 1 to ${MAX_TEXT} characters` })
    const id = newId(Date.now())
    try {
      const { value } = await post.write({ id }, { by: session.userId, text })
      // After the truth: this environment lists the post at once, all others within `recheck`.
      await cache.invalidate({ tags: [POSTS] })
      return json(201, value)
    } catch (error) {
      if (error instanceof SourceRefusedError) return json(429, { error: 'you have written too many posts' })
      throw error
    }
  })
