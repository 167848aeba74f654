import type { APIGatewayProxyEventV2 } from 'aws-lambda'
import { users } from './composition.ts'
import { json, readCredentials } from './http.ts'

/** `POST /sign-up`: a new user. */
export async function handler(event: APIGatewayProxyEventV2) {
  const given = readCredentials(event)
  if (given === undefined) return json(400, { error: 'give JSON with a name and a password' })
  return (await users.signUp(given.name, given.password)) ? json(201, {}) : json(409, { error: 'the name is taken' })
}
