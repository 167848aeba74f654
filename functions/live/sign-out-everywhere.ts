import middy from '@middy/core'
import { authenticate } from '@warmtoken/core/authenticate'
import { json } from '../accounts/http.ts'
import { live, sessions } from './composition.ts'

/** `POST /sign-out-everywhere`: ends all sessions of the user except this one, and closes their sockets. */
export const handler = middy()
  .use(authenticate(sessions))
  .handler(async (_event, { session }) => {
    const ended = await sessions.revokeAll(session.userId, { except: session.id })
    await live.settle()
    return json(200, { ended })
  })
