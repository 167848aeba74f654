import { asFields, asText, asTime, type Fields, parseJson } from '../../lib/parse.ts'
import { openSecret } from '../shared/credentials.ts'
import type { TicketInbox } from './inbox.ts'
import { asTicket } from './ticket-record.ts'
import type { TicketWebhookOptions, WebhookAnswer, WebhookRequest } from './webhook-options.ts'
import { decrypt, isEqual, isSigned, type Signature } from './webhook-secrets.ts'

/** The largest body that is looked at, in bytes. */
const MAX_BODY = 64 * 1024
/** The longest challenge that is sent back, in characters. */
const MAX_CHALLENGE = 1_024

/** One refusal for all that does not prove where it comes from: told apart, answers would help to decrypt an event. */
const UNPROVEN = 'the request does not prove that it comes from the platform'

/** Answers one request of the platform; see `ticketWebhook`. */
export async function receiveRequest(
  { inbox, verificationToken, encryptKey }: TicketWebhookOptions,
  request: WebhookRequest,
): Promise<WebhookAnswer> {
  const { headers, body, isBase64Encoded } = asFields(request) ?? {}
  const named = asFields(headers)
  if (named === undefined) return refuse(400, 'the request has no headers')
  if (typeof body !== 'string') return refuse(400, 'the request has no body')
  const text = textOf(body, isBase64Encoded === true)
  if (text === undefined) return refuse(400, `the body is larger than ${MAX_BODY} bytes`)
  const outer = asFields(parseJson(text))
  if (outer === undefined) return refuse(400, 'the body is not a JSON object')
  const key = encryptKey === undefined ? undefined : await openSecret(encryptKey, 'encryptKey')
  if (key === undefined && outer['encrypt'] !== undefined)
    return refuse(400, 'the event is encrypted, and no "encryptKey" is set up')
  const event = key === undefined ? outer : openEvent(outer, key, signatureOf(named, text))
  const token = await openSecret(verificationToken, 'verificationToken')
  if (event === undefined || !isEqual(tokenOf(event), token)) return refuse(401, UNPROVEN)
  return event['type'] === 'url_verification' ? answerChallenge(event) : receive(event, inbox)
}

/** The body as text, `undefined` when it is too large. */
function textOf(body: string, isBase64Encoded: boolean): string | undefined {
  if (body.length > 2 * MAX_BODY) return undefined
  const bytes = Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8')
  return bytes.length > MAX_BODY ? undefined : bytes.toString('utf8')
}

function signatureOf(headers: Fields, text: string): Signature | undefined {
  const find = (wanted: string): string | undefined =>
    asText(Object.entries(headers).find(([name]) => name.toLowerCase() === wanted)?.[1], MAX_CHALLENGE)
  const timestamp = find('x-lark-request-timestamp')
  const nonce = find('x-lark-request-nonce')
  const signature = find('x-lark-signature')
  if (timestamp === undefined || nonce === undefined || signature === undefined) return undefined
  return { timestamp, nonce, signature, text }
}

/**
 * The event inside an encrypted one, `undefined` when it proves nothing. The signature is checked before anything is
 * decrypted; only the check of the address comes without one.
 */
function openEvent(outer: Fields, key: string, signature: Signature | undefined): Fields | undefined {
  if (signature !== undefined && !isSigned(signature, key)) return undefined
  const event = asFields(parseJson(decrypt(outer['encrypt'], key) ?? ''))
  return signature !== undefined || event?.['type'] === 'url_verification' ? event : undefined
}

/** The Verification Token in an event: in events of the second version it is in the header. */
function tokenOf(event: Fields): string {
  return asText(event['token'] ?? asFields(event['header'])?.['token'], MAX_CHALLENGE) ?? ''
}

function answerChallenge(event: Fields): WebhookAnswer {
  const challenge = asText(event['challenge'], MAX_CHALLENGE)
  return challenge === undefined ? refuse(400, 'the "challenge" is not a text') : answer(200, { challenge })
}

async function receive(envelope: Fields, inbox: TicketInbox): Promise<WebhookAnswer> {
  const event = asFields(envelope['event']) ?? {}
  if (event['type'] !== 'app_ticket') return answer(200, {})
  if (event['app_id'] !== inbox.appId) return refuse(400, 'the "app_id" is that of another app')
  const ticket = asTicket(event['app_ticket'])
  if (ticket === undefined) return refuse(400, 'the "app_ticket" is not a ticket')
  await inbox.put(ticket, { at: instantOf(envelope['ts']) })
  return answer(200, {})
}

/** `ts` is a text of seconds with a fraction. */
function instantOf(ts: unknown): number | undefined {
  const text = asText(ts, 32)
  return text !== undefined && /^\d+(\.\d+)?$/.test(text) ? asTime(Number(text) * 1_000) : undefined
}

function answer(statusCode: number, body: unknown): WebhookAnswer {
  return {
    statusCode,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  }
}

function refuse(statusCode: number, error: string): WebhookAnswer {
  return answer(statusCode, { error })
}
