import middy from '@middy/core'
import { authenticate, clearedCookie } from '@warmtoken/core/authenticate'
import { sessions } from './composition.ts'
import { json } from './http.ts'

/** `POST /sign-out`: ends this session everywhere, and takes the cookie. */
export const handler = middy()
  .use(authenticate(sessions))
  .handler(async (_event, { session }) => {
    await sessions.revoke(session.userId, session.id)
    return json(200, {}, clearedCookie())
  })
