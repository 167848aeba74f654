import { misuse } from '../lib/options.ts'
import type { SessionContext } from './context.ts'
import { isId, type StoredSession } from './record.ts'
import { removeSessions } from './transitions.ts'
import type { Sessions } from './types.ts'

/** The calls that work on all sessions of a user, without a token. */
export function manageSessions<Data, User>(
  context: SessionContext<Data, User>,
): Pick<Sessions<Data, User>, 'list' | 'revoke' | 'revokeAll' | 'update'> {
  const { records, user, keyOf, view, emit } = context

  const remove = async (key: string, isRevoked: (session: StoredSession) => boolean): Promise<number> => {
    const revoked = new Set<string>()
    await records.change(key, (before) => {
      for (const session of before?.sessions ?? []) if (isRevoked(session)) revoked.add(session.id)
      return { record: before && removeSessions(before, isRevoked), result: undefined }
    })
    if (revoked.size > 0) emit({ type: 'session-revoked', key, count: revoked.size })
    return revoked.size
  }

  return {
    async list(userId) {
      const key = keyOf('list', userId)
      const record = await records.change(key, (before) => ({ record: undefined, result: before }))
      if (record === undefined) return []
      const { latest } = records.now()
      return record.sessions.flatMap((one) => {
        const isOver = latest >= one.idleUntil || latest >= one.absoluteUntil
        const session = isOver ? undefined : view({ key, record }, one, one.data)
        return session === undefined ? [] : [session]
      })
    },

    async revoke(userId, id) {
      const key = keyOf('revoke', userId)
      if (!isId(id)) misuse('revoke', 'the id must be that of a session, 16 characters')
      return (await remove(key, (session) => session.id === id)) > 0
    },

    async revokeAll(userId, { except } = {}) {
      const key = keyOf('revokeAll', userId)
      if (except !== undefined && !isId(except)) misuse('revokeAll', 'option "except" must be the id of a session')
      return remove(key, (session) => session.id !== except)
    },

    async update(userId, change) {
      const key = keyOf('update', userId)
      if (typeof change !== 'function') misuse('update', 'give a function from the old data to the new')
      const isUpdated = await records.change(key, (before) => {
        if (before === undefined || before.sessions.length === 0) return { record: undefined, result: false }
        const parsed = user.parse(before.user)
        if (parsed.outcome === 'refused')
          throw new TypeError(
            `update: the user data in the record has another shape, at ${parsed.path}; accept the old shape in the schema, or replace the data with create(userId, data, { user })`,
          )
        const next = user.write('update', change(parsed.value))
        return { record: { ...before, user: next }, result: true }
      })
      if (isUpdated) emit({ type: 'session-updated', key })
      return isUpdated
    },
  }
}
