import { checkOptions, shaped, textOrFunctionRule } from '../../lib/options.ts'
import type { TicketWebhookOptions, WebhookAnswer, WebhookRequest } from './webhook-options.ts'

export type { TicketWebhookOptions, WebhookAnswer, WebhookRequest } from './webhook-options.ts'

const RULES = {
  inbox: shaped('put', 'get'),
  verificationToken: textOrFunctionRule,
  encryptKey: textOrFunctionRule,
}

/**
 * Receives what the platform pushes: answers the check of the address, and puts app tickets into the inbox. Other events
 * are answered with 200 and ignored. 400 for what is no request or no event, 401 for what does not prove where it comes from. Rejects
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
