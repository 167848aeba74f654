import { WarmTokenError } from '../errors.ts'
import { checkOptions, durationOrZeroRule } from '../lib/options.ts'
import type { Owner, SessionContext } from './context.ts'
import { judge } from './judge.ts'
import type { UserRecord } from './record.ts'
import { hashOf, hideToken, keyOfSelector } from './token.ts'
import { addSession, rotateSession } from './transitions.ts'
import type { Created, Sessions } from './types.ts'

const ROTATE_RULES = { data: ['data', () => true] as const, grace: durationOrZeroRule }

/** A record, and the text of a token that was minted for it. */
interface Minted {
  readonly record: UserRecord
  readonly text: string
}

/** The calls that mint tokens. */
export function mintSessions<Data, User>(
  context: SessionContext<Data, User>,
): Pick<Sessions<Data, User>, 'create' | 'rotate'> {
  const { records, tokens, verifier, data, user, lifetimes, limit, keyOf, view, emit } = context

  const created = ({ key, record }: Owner, text: string): Created<Data, User> => {
    const hash = hashOf(text)
    const stored = record.sessions.find((one) => one.hash === hash)
    const session = stored && view({ key, record }, stored, stored.data)
    if (stored === undefined || session === undefined)
      throw new TypeError('createSessions: a schema must accept what it gave; use one that does not transform')
    const maxAge = Math.max(0, stored.absoluteUntil - records.now().earliest)
    return { token: hideToken(text, session.id), session, maxAge }
  }

  /** Mints the tokens of one call. A change may be tried several times, and each attempt has a token of its own. */
  const createMint = (key: string) => {
    const tried = new Map<string, string>()
    return {
      mint(version: number): { readonly hash: string; readonly text: string } {
        const text = tokens.mint(key, version)
        const hash = hashOf(text)
        tried.set(hash, text)
        return { hash, text }
      },
      /** What an earlier attempt wrote, whose answer was lost; `undefined` when none did. */
      applied(record: UserRecord | undefined): Minted | undefined {
        const mine = record?.sessions.find(({ hash }) => tried.has(hash))
        return record && mine && { record, text: tried.get(mine.hash) ?? '' }
      },
    }
  }

  return {
    async create(userId, given, { user: shared } = {}) {
      const key = keyOf('create', userId)
      const own = data.write('create', given)
      const sharedJson = shared === undefined ? undefined : user.write('create', shared)
      const minting = createMint(key)
      const { record, text, evicted } = await records.change(key, (before, now, version) => {
        const mine = minting.applied(before)
        if (mine !== undefined) return { record: undefined, result: { ...mine, evicted: 0 } }
        const base = before ?? { userId, version, user: undefined, sessions: [] }
        if (limit.when === 'refuse' && base.sessions.length >= limit.most)
          throw new WarmTokenError(
            `this user has ${limit.most} sessions already (${key}); revoke one, raise "limit.most", or set "limit.when" to "oldest-out"`,
            { code: 'SESSION_LIMIT', key, retryable: false },
          )
        const minted = minting.mint(version)
        const next = addSession(
          { ...base, user: sharedJson === undefined ? base.user : sharedJson },
          { hash: minted.hash, id: minted.hash.slice(0, 16), data: own },
          { now, lifetimes, most: limit.most },
        )
        // Before anything is written: nobody could use the session.
        if (sharedJson === undefined) user.write('create', next.user)
        const left = base.sessions.length + 1 - next.sessions.length
        return { record: next, result: { record: next, text: minted.text, evicted: left } }
      })
      const result = created({ key, record }, text)
      emit({ type: 'session-created', key, id: result.session.id, evicted })
      return result
    },

    async rotate(token, wanted = {}) {
      const { data: next, grace = 0 } = checkOptions('rotate', wanted, ROTATE_RULES)
      const own = next === undefined ? undefined : data.write('rotate', next as Data)
      const accepted = await verifier.verify(token, true)
      if (accepted === undefined) return undefined
      const key = keyOfSelector(accepted.token.selector)
      const minting = createMint(key)
      const rotated = await records.change<Minted | undefined>(key, (before, now, version) => {
        const mine = minting.applied(before)
        if (mine !== undefined) return { record: undefined, result: mine }
        const verdict = before && judge(before, now, accepted.token.hash)
        if (before === undefined || verdict?.outcome !== 'accepted') return { record: undefined, result: undefined }
        const { hash, text } = minting.mint(version)
        const changed = { hash, grace, now, data: next === undefined ? verdict.session.data : own }
        const after = rotateSession(before, accepted.token.hash, changed)
        return { record: after, result: after && { record: after, text } }
      })
      if (rotated === undefined) return undefined
      const result = created({ key, record: rotated.record }, rotated.text)
      emit({ type: 'session-rotated', key, id: result.session.id })
      return result
    },
  }
}
