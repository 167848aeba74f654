import { sessionCookie } from '@warmtoken/core/authenticate'
import type { APIGatewayProxyEventV2 } from 'aws-lambda'
import { sessions, users } from './composition.ts'
import { json, readCredentials } from './http.ts'

/** `POST /sign-in`: a new session, whatever cookie came along. */
export async function handler(event: APIGatewayProxyEventV2) {
  const given = readCredentials(event)
  if (given === undefined) return json(400, { error: 'give JSON with a name and a password' })
  const { name, password } = given
  const result = await users.signIn(name, password, event.requestContext.http.sourceIp)
  if (result.outcome === 'too-many')
    return { ...json(429, { error: 'too many attempts' }), headers: { 'retry-after': String(result.retryAfter) } }
  if (result.outcome === 'refused') return json(401, { error: 'wrong name or password' })
  const device = (event.headers['user-agent'] ?? 'unknown').slice(0, 200)
  const created = await sessions.create(name, { device }, { user: { roles: result.roles } })
  return json(200, { user: name }, sessionCookie(created))
}
