import middy from '@middy/core'
import { authenticate } from '@warmtoken/core/authenticate'
import { sessions } from './composition.ts'
import { json } from './http.ts'

/** `POST /sign-out-everywhere`: ends all sessions of the user except this one. */
export const handler = middy()
  .use(authenticate(sessions))
  .handler(async (_event, { session }) =>
    json(200, { ended: await sessions.revokeAll(session.userId, { except: session.id }) }),
  )
