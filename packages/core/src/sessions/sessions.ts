/**
 * Sessions for the tokens that requests bring: who is it, and is it still good? Answered from memory within a stated
 * bound, revocable in seconds.
 *
 * @module
 */

import type { Json } from '../contracts.ts'
import { createSessionContext } from './context.ts'
import { manageSessions } from './manage.ts'
import { mintSessions } from './mint.ts'
import type { SessionsOptions } from './options.ts'
import { serveSessions } from './serve.ts'
import type { Sessions } from './types.ts'

export type { RefusalReason, SessionEvent, SessionListener } from './events.ts'
export type { SessionsOptions } from './options.ts'
export type { SessionToken } from './token.ts'
export type { Created, Session, Sessions } from './types.ts'

/**
 * Makes sessions on a store. Throws `TypeError` that names the option when one is wrong or unknown.
 *
 * @example
 * ```ts
 * const sessions = createSessions({ store: dynamoDBStore({ table: 'sessions' }) })
 * const { token, session } = await sessions.create('user-1', { device: 'laptop' })
 * const found = sessions.peek(token.value) ?? (await sessions.verify(token.value))
 * await sessions.revokeAll('user-1', { except: session.id })
 * ```
 */
export function createSessions<Data = Json | undefined, User = Json | undefined>(
  options: SessionsOptions<Data, User>,
): Sessions<Data, User> {
  const context = createSessionContext(options)
  const { peek, verify, isBusy, settle } = serveSessions(context)
  return {
    ...mintSessions(context),
    peek,
    verify,
    ...manageSessions(context),
    get busy() {
      return isBusy()
    },
    settle,
    emit: context.emit,
  }
}
