import middy from '@middy/core'
import { authenticate } from '@warmtoken/core/authenticate'
import { sessions } from './composition.ts'
import { json } from './http.ts'

/** `GET /devices`: where the user is signed in. */
export const handler = middy()
  .use(authenticate(sessions))
  .handler(async (_event, { session }) => {
    const all = await sessions.list(session.userId)
    return json(
      200,
      all.map(({ id, data, seenAt }) => ({ id, device: data.device, seenAt, current: id === session.id })),
    )
  })
