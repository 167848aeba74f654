import { createCipheriv, createHash, randomBytes, randomUUID } from 'node:crypto'

/** How the platform pushes events. */
export interface PushSettings {
  readonly verificationToken: string
  /** With it events are encrypted and signed. */
  readonly encryptKey?: string
}

/** An event as it is sent. */
export interface PushedEvent {
  readonly headers: { readonly [name: string]: string }
  readonly body: string
}

/** The event that carries a ticket, pushed at an instant in ms. */
export function ticketEvent(
  settings: PushSettings,
  { appId, ticket, at }: { readonly appId: string; readonly ticket: string; readonly at: number },
): PushedEvent {
  return dress(settings, at, {
    ts: (at / 1_000).toFixed(6),
    uuid: randomBytes(16).toString('hex'),
    token: settings.verificationToken,
    type: 'event_callback',
    event: { app_id: appId, app_ticket: ticket, type: 'app_ticket' },
  })
}

/** The check of the address that precedes all events. It comes encrypted if they do, but unsigned. */
export function challengeEvent(settings: PushSettings, challenge: string): PushedEvent {
  const { body, headers } = dress(settings, 0, {
    challenge,
    token: settings.verificationToken,
    type: 'url_verification',
  })
  return { body, headers: { 'content-type': headers['content-type'] ?? '' } }
}

function dress({ encryptKey }: PushSettings, at: number, event: unknown): PushedEvent {
  const plain = JSON.stringify(event)
  const headers = { 'content-type': 'application/json; charset=utf-8' }
  if (encryptKey === undefined) return { headers, body: plain }
  const body = JSON.stringify({ encrypt: encrypt(plain, encryptKey) })
  const [timestamp, nonce] = [String(Math.floor(at / 1_000)), randomUUID()]
  const signature = createHash('sha256').update(`${timestamp}${nonce}${encryptKey}${body}`).digest('hex')
  return {
    body,
    headers: {
      ...headers,
      'x-lark-request-timestamp': timestamp,
      'x-lark-request-nonce': nonce,
      'x-lark-signature': signature,
    },
  }
}

function encrypt(plain: string, encryptKey: string): string {
  const iv = randomBytes(16)
  const cipher = createCipheriv('aes-256-cbc', createHash('sha256').update(encryptKey).digest(), iv)
  return Buffer.concat([iv, cipher.update(plain, 'utf8'), cipher.final()]).toString('base64')
}
