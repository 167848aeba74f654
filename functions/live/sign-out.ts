import middy from '@middy/core'
import { authenticate, clearedCookie } from '@warmtoken/core/authenticate'
import { json } from '../accounts/http.ts'
import { live, sessions } from './composition.ts'

/** `POST /sign-out`: ends this session everywhere, closes its sockets, and takes the cookie. */
export const handler = middy()
  .use(authenticate(sessions))
  .handler(async (_event, { session }) => {
    await sessions.revoke(session.userId, session.id)
    await live.settle()
    return json(200, {}, clearedCookie())
  })
