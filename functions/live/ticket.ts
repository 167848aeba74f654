import middy from '@middy/core'
import { authenticate } from '@warmtoken/core/authenticate'
import { sessions } from '../accounts/composition.ts'
import { tickets } from './composition.ts'

/** `POST /live/ticket`: opens one connection within 30 s. */
export const handler = middy()
  .use(authenticate(sessions))
  .handler(async (_event, { session }) => ({
    statusCode: 200,
    headers: { 'content-type': 'text/plain', 'cache-control': 'no-store' },
    body: await tickets.issue(session),
  }))
