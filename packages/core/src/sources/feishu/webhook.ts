import { checkOptions, shaped, textOrFunctionRule } from '../../lib/options.ts'
import type { Secret } from '../shared/secret.ts'
import type { TicketInbox } from './inbox.ts'

/** How {@link ticketWebhook} is set up. */
export interface TicketWebhookOptions {
  /** Where the tickets go. Its app is the one whose tickets are taken. */
  readonly inbox: TicketInbox
  /** The Verification Token of the app's event subscription, or a function that gives it. */
  readonly verificationToken: Secret
  /**
   * The Encrypt Key of the app's event subscription, or a function that gives it. With it every event must be encrypted
   * and signed. Default: none, events come as they are and only the Verification Token protects them.
   */
  readonly encryptKey?: Secret
}

/** A request as Lambda's HTTP API hands it over (payload format 2.0), as far as it matters here. */
export interface WebhookRequest {
  /** The headers; the case of their names does not matter. */
  readonly headers: { readonly [name: string]: string | undefined }
  /** The body. */
  readonly body?: string | undefined
  /** Whether the body is in base64. Default false. */
  readonly isBase64Encoded?: boolean
}

/** An answer as Lambda's HTTP API takes it. */
export interface WebhookAnswer {
  readonly statusCode: number
  readonly headers: { readonly [name: string]: string }
  readonly body: string
}

const RULES = {
  inbox: shaped('put', 'get'),
  verificationToken: textOrFunctionRule,
  encryptKey: textOrFunctionRule,
}

/**
 * Receives what the platform pushes: answers the check of the address, and puts app tickets into the inbox. Other events
 * are answered with 200 and ignored. 400 for what is no event, 401 for what does not prove where it comes from. Rejects
 * when the inbox takes no ticket, so that the platform sees a failure and pushes again. Throws `TypeError` that names
 * the option when one is missing, wrong or unknown.
 *
 * @example
 * ```ts
 * export const handler = ticketWebhook({ inbox, verificationToken: () => secret('feishu-verification') })
 * ```
 */
export function ticketWebhook(options: TicketWebhookOptions): (request: WebhookRequest) => Promise<WebhookAnswer> {
  const given = checkOptions('ticketWebhook', options, RULES, ['inbox', 'verificationToken'])
  return async (request) => {
    const { receiveRequest } = await import('./event.ts')
    return receiveRequest(given, request)
  }
}
