import { type StoreFault, storeFault } from '@warmtoken/core/adapter'
import pg from 'pg'

/** SQLSTATE classes of a server that goes away: the statement may have been applied. */
const GOING_AWAY = /^(08|57P)/
/** Classes that pass: too many connections, a lock, a serialization failure, an internal error. */
const PASSING = /^(08|40|53|55|57|58|XX)/

const REMEDIES: readonly (readonly [RegExp, string, string])[] = [
  [/^28/, 'STORE_DENIED', 'access denied; check the user and the password of the connection'],
  [/^42501/, 'STORE_DENIED', 'access denied; grant select, insert, update and delete on the table tokens to this user'],
  [/^(42P01|42703)/, 'STORE_MISSING', 'the table tokens is missing or another one; run schema.sql'],
  [/^3D/, 'STORE_MISSING', 'there is no such database; check the connection string'],
  [/^25006/, 'STORE_REFUSED', 'this server is read-only; connect to the primary, not to a replica'],
]

/** Whether no answer came, so that a statement may or may not have been applied. */
export function isUnanswered(error: unknown): boolean {
  return !(error instanceof pg.DatabaseError) || GOING_AWAY.test(error.code ?? '')
}

/** The fault for what `pg` threw. It shows nothing of the statement, its values or the connection string. */
export function postgresFault(cause: unknown): StoreFault {
  const state = cause instanceof pg.DatabaseError ? (cause.code ?? '') : ''
  const [, code, remedy] = REMEDIES.find(([pattern]) => pattern.test(state)) ?? []
  if (code !== undefined) return storeFault(`PostgreSQL: ${remedy}`, { code, retryable: false, cause })
  if (state === '') return storeFault('PostgreSQL: no answer', { code: 'STORE_UNAVAILABLE', retryable: true, cause })
  const passes = PASSING.test(state)
  const facts = { code: passes ? 'STORE_UNAVAILABLE' : 'STORE_REFUSED', retryable: passes, cause }
  return storeFault(`PostgreSQL: the server answers SQLSTATE ${state}`, facts)
}
