import { webSocketAuthorizer } from '@warmtoken/core/authorizer'
import { tickets } from './composition.ts'

/** Lets a socket in by its ticket, once. */
export const handler = webSocketAuthorizer(tickets)
