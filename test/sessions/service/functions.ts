import { dynamoDBStore } from '@warmtoken/adapters-aws/dynamodb'
import {
  createTickets,
  httpAuthorizer,
  type PolicyAnswer,
  restAuthorizer,
  type SimpleAnswer,
  webSocketAuthorizer,
} from '@warmtoken/core/authorizer'
import { createSessions } from '@warmtoken/core/sessions'

const store = dynamoDBStore({ table: process.env['TOKEN_TABLE'] ?? '', env: process.env })
// A cold start on a busy machine must not make the store look as if it were down.
const sessions = createSessions({ store, recheck: 100, storeTimeout: 10_000 })

type Authorizer<Answer> = (event: unknown) => Promise<Answer>

export const http: Authorizer<SimpleAnswer> = httpAuthorizer(sessions)
export const rest: Authorizer<PolicyAnswer> = restAuthorizer(sessions)
export const connect: Authorizer<PolicyAnswer> = webSocketAuthorizer(createTickets({ store, sessions }))

/** Answers with what the authorizer passed on. */
export async function me(event: {
  requestContext: { authorizer?: { lambda?: object } }
}): Promise<{ statusCode: number; body: string }> {
  const { authorizer } = event.requestContext
  return { statusCode: 200, body: JSON.stringify(authorizer?.lambda ?? authorizer) }
}

export async function live(): Promise<{ statusCode: number }> {
  return { statusCode: 200 }
}
