import type { Exclusive, TokenValue } from '../../contracts.ts'
import type { ClientOptions } from '../oauth2/options.ts'
import type { Secret } from '../shared/definition.ts'

/** How `refreshToken` is set up. A client with neither secret nor key is public: `authentication` is then `none`. */
export interface RefreshTokenOptions extends ClientOptions {
  /**
   * Whose token it is, as a text of your own: a user's id, a mailbox, a shop. Part of the key, so that two accounts of one
   * client never share a record.
   */
  readonly account: string
  /**
   * The seed: the refresh token that a person's sign-in gave, or a function that gives it. It is spent once; a new one in
   * its place begins a new chain.
   */
  readonly refreshToken: Secret
  /**
   * Whether the issuer gives a new refresh token with an access token. False: the seed is spent every time, a new one in
   * an answer is not kept, and the source needs no lease to be safe. Default true.
   */
  readonly rotates?: boolean
  /**
   * What to do when an environment vanished with the refresh token in its hand, so that it may be spent: `'retry-once'`
   * one more try, and if that is refused the user must sign in; `'stop'` the user must at once; `{ grace }` the issuer
   * tolerates a repeat for so many ms; `'repeat'` it always does. Default `'retry-once'`.
   */
  readonly afterCrash?: Exclusive<TokenValue>['afterCrash']
  /**
   * How long the old access token still works once a new one is given, in ms; some issuers end it at once. Default: until
   * its own expiry.
   */
  readonly overlap?: number
}
