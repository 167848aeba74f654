import type { Codec, Store } from '../../contracts.ts'
import { makeKey } from '../../lib/key.ts'
import { checkOptions, shaped, textRule } from '../../lib/options.ts'

/** How {@link ticketInbox} is set up. */
export interface TicketInboxOptions {
  /** The store that the function which receives tickets shares with those that use them. */
  readonly store: Store
  /** The app that the tickets are for. */
  readonly appId: string
  /** How a ticket rests: it is a secret, so give `aesGcm`. The same for all functions. Default: as it is. */
  readonly codec?: Codec
}

/** The newest app ticket of a store app, which one function receives and others use. */
export interface TicketInbox {
  /** The app that the tickets are for. */
  readonly appId: string
  /**
   * Resolves to true when the ticket is now the one in the inbox, to false when a newer one is there. `at`: when it was
   * pushed, in ms since 1970; without it the ticket counts as the newest. Rejects with `TypeError` for what is no
   * ticket, with the store's fault, or with a `WarmTokenError` whose code is `FEISHU_TICKET_NOT_KEPT`.
   */
  put(ticket: string, options?: { readonly at?: number | undefined; readonly signal?: AbortSignal }): Promise<boolean>
  /**
   * Resolves to the newest ticket, `undefined` when there is none or none that can be opened. Rejects with the store's
   * fault.
   */
  get(options?: { readonly signal?: AbortSignal }): Promise<string | undefined>
}

const RULES = {
  store: shaped('read', 'swap'),
  appId: textRule,
  codec: shaped('seal', 'open'),
}

/**
 * The place where app tickets arrive: one record of its own in the store. Throws `TypeError` that names the option when
 * one is missing, wrong or unknown.
 *
 * @example
 * ```ts
 * const inbox = ticketInbox({ store, codec, appId: 'cli_9f3ca975326b501b' })
 * ```
 */
export function ticketInbox(options: TicketInboxOptions): TicketInbox {
  const { store, appId, codec } = checkOptions('ticketInbox', options, RULES, ['store', 'appId'])
  const box = { store, codec, key: makeKey('feishu-ticket', '', { appId }) }
  const load = () => import('./ticket-record.ts')
  return {
    appId,
    put: async (ticket, more = {}) => (await load()).putTicket(box, ticket, more),
    get: async (more = {}) => (await load()).getTicket(box, more),
  }
}
