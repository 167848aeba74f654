import type { Store } from '@warmtoken/core'
import { hashPassword, isPassword } from './password.ts'
import { changeRecord, keyOf } from './records.ts'

/** Attempts of one address for one user, in so many ms. */
const MAX_ATTEMPTS = 5
const WINDOW = 15 * 60_000

/** What a sign-in comes to. */
export type SignIn =
  | { readonly outcome: 'signed-in'; readonly roles: readonly string[] }
  | { readonly outcome: 'refused' }
  | { readonly outcome: 'too-many'; readonly retryAfter: number }

interface User {
  readonly password: string
  readonly roles: readonly string[]
}

/** The users of the example, in the table of the tokens. */
export function createUsers(store: Store) {
  return {
    /** Resolves to false when the name is taken. */
    async signUp(name: string, password: string): Promise<boolean> {
      const user: User = { password: await hashPassword(password), roles: ['member'] }
      return changeRecord(store, keyOf('user', name), (body) =>
        body === undefined ? { body: JSON.stringify(user), result: true } : { body: undefined, result: false },
      )
    },

    /** Counts the attempt first, so that no number of parallel ones gets past the limit. */
    async signIn(name: string, password: string, address: string): Promise<SignIn> {
      const attempts = keyOf('attempts', name, address)
      const waits = await changeRecord(store, attempts, (body, now) => countAttempt(body, now))
      if (waits > 0) return { outcome: 'too-many', retryAfter: Math.ceil(waits / 1_000) }
      const user = await changeRecord(store, keyOf('user', name), (body) => ({ body: undefined, result: parse(body) }))
      if (!(await isPassword(password, user?.password)) || user === undefined) return { outcome: 'refused' }
      await changeRecord(store, attempts, () => ({ body: JSON.stringify({ count: 0, until: 0 }), result: undefined }))
      return { outcome: 'signed-in', roles: user.roles }
    },
  }
}

function countAttempt(body: string | undefined, now: number) {
  const last = JSON.parse(body ?? '{"count":0,"until":0}') as { count: number; until: number }
  const { count, until } = now < last.until ? last : { count: 0, until: now + WINDOW }
  if (count >= MAX_ATTEMPTS) return { body: undefined, result: until - now }
  return { body: JSON.stringify({ count: count + 1, until }), result: 0 }
}

function parse(body: string | undefined): User | undefined {
  return body === undefined ? undefined : (JSON.parse(body) as User)
}
