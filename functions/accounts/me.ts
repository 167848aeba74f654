import middy from '@middy/core'
import { authenticate } from '@warmtoken/core/authenticate'
import { sessions } from './composition.ts'
import { json } from './http.ts'

/** `GET /me`: who is signed in. */
export const handler = middy()
  .use(authenticate(sessions))
  .handler(async (_event, { session }) => json(200, { user: session.userId, roles: session.user.roles }))
