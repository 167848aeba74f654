import type { Secret } from '../shared/definition.ts'
import type { TicketInbox } from './inbox.ts'

/** How `ticketWebhook` is set up. */
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
  readonly body?: string | null | undefined
  /** Whether the body is in base64. Default false. */
  readonly isBase64Encoded?: boolean
}

/** An answer as Lambda's HTTP API takes it. */
export interface WebhookAnswer {
  readonly statusCode: number
  readonly headers: { readonly [name: string]: string }
  readonly body: string
}
