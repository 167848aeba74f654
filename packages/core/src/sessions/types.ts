import type { Json } from '../contracts.ts'
import type { SessionEvent } from './events.ts'
import type { SessionToken } from './token.ts'

/** A session, as a handler sees it. Frozen. Instants are ms since 1970 on the clock of the store. */
export interface Session<Data = Json | undefined, User = Json | undefined> {
  /** For lists and revocation; stays the same when the token is rotated. Not a secret. */
  readonly id: string
  /** Whose it is. */
  readonly userId: string
  /** What all sessions of the user share, such as roles. */
  readonly user: User
  /** What belongs to this session, such as the device. */
  readonly data: Data
  readonly createdAt: number
  /** When it was last seen, accurate to `renewEvery`. */
  readonly seenAt: number
  /** It ends then unless it is used. */
  readonly idleUntil: number
  /** It ends then in any case. */
  readonly absoluteUntil: number
}

/** A session with its new token. */
export interface Created<Data = Json | undefined, User = Json | undefined> {
  /** The token: hand it to the browser or the app, and do not store it. */
  readonly token: SessionToken
  readonly session: Session<Data, User>
  /** How long the session can live at most, in ms: the life of a cookie. */
  readonly maxAge: number
}

/** The sessions of all users, seen from one environment. Make it once, outside the handler. */
export interface Sessions<Data = Json | undefined, User = Json | undefined> {
  /**
   * Starts a session and resolves to its token once the store has it. `user`: the new user data; left out, it stays as it
   * is. Rejects with `TypeError` for data that its schema refuses, with `WarmTokenError` `SESSION_LIMIT` when the user has
   * too many and the limit says `refuse`, and with `StoreError`.
   */
  create(userId: string, data?: Data, options?: { readonly user?: User }): Promise<Created<Data, User>>
  /**
   * The session of a token, if memory can accept it now. No promise. `undefined` does not mean that the token is invalid: call
   * `verify`.
   */
  peek(token: string): Session<Data, User> | undefined
  /**
   * Resolves to the session of a token, `undefined` when it is not good. `fresh`: reads the store in any case, for what
   * must not wait for `recheck`. Rejects only when the store is needed and cannot tell: answer 503, and keep the cookie.
   */
  verify(token: string, options?: { readonly fresh?: boolean }): Promise<Session<Data, User> | undefined>
  /**
   * Replaces the token of a session: after a change of rights, or now and then. The old one is accepted for `grace` more
   * ms (default 0), with the old data, and cannot be rotated again. Resolves to `undefined` when the token is not good.
   * Rejects like `verify`, with `StoreError` when the store cannot be used, and with `TypeError` for wrong arguments.
   */
  rotate(
    token: string,
    options?: { readonly data?: Data; readonly grace?: number },
  ): Promise<Created<Data, User> | undefined>
  /**
   * Resolves to the sessions of a user that have not ended, oldest first. Reads the store. Rejects with `StoreError` when the
   * store cannot be used, and with `TypeError` for wrong arguments.
   */
  list(userId: string): Promise<readonly Session<Data, User>[]>
  /**
   * Ends one session by its id. Resolves, once the store has acknowledged it, to whether there was one. Rejects with
   * `StoreError` when the store cannot be used, and with `TypeError` for wrong arguments.
   */
  revoke(userId: string, id: string): Promise<boolean>
  /**
   * Ends all sessions of a user, except for the one with the id `except`. Resolves to how many. Rejects with `StoreError` when
   * the store cannot be used, and with `TypeError` for wrong arguments.
   */
  revokeAll(userId: string, options?: { readonly except?: string }): Promise<number>
  /**
   * Changes the data of a user in all sessions. `change` may be called again with what it gave. Resolves to `false` when the
   * user has no session: then there is nothing to change. Rejects with what `change` throws, with `StoreError` when the store
   * cannot be used, and with `TypeError` for wrong arguments and when the schema refuses the old or the new data.
   */
  update(userId: string, change: (user: User) => User): Promise<boolean>
  /** Whether renewals are in progress. */
  readonly busy: boolean
  /** Waits for renewals in progress, at most `timeout` ms (default 1,000). Never rejects. */
  settle(options?: { readonly timeout?: number }): Promise<void>
  /** Emits an event to the listeners; for code that uses sessions, such as `authenticate`. */
  emit(event: SessionEvent): void
}
