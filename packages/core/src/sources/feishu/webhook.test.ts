import { createCipheriv, createHash, randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { memoryStore } from '../../stores/memory.ts'
import { ticketInbox } from './inbox.ts'
import { type TicketWebhookOptions, ticketWebhook, type WebhookRequest } from './webhook.ts'
import { decrypt, isSigned } from './webhook-secrets.ts'

const APP = 'cli_test'
const TOKEN = 'MARKED-verification'
const KEY = 'MARKED-encrypt-key'

function ticketEvent(more: object = {}, inner: object = {}) {
  return {
    ts: '1502199207.7171419',
    uuid: 'bc447199585340d1f3728d26b1c0297a',
    token: TOKEN,
    type: 'event_callback',
    event: { app_id: APP, app_ticket: 'MARKED-ticket', type: 'app_ticket', ...inner },
    ...more,
  }
}
const challenge = { challenge: 'ajls384kdjx98XX', token: TOKEN, type: 'url_verification' }

function plain(event: unknown): WebhookRequest {
  return { headers: {}, body: JSON.stringify(event) }
}

function encrypt(text: string, key = KEY): string {
  const iv = randomBytes(16)
  const cipher = createCipheriv('aes-256-cbc', createHash('sha256').update(key).digest(), iv)
  return Buffer.concat([iv, cipher.update(text), cipher.final()]).toString('base64')
}
function sealed(event: unknown, key = KEY): WebhookRequest {
  return plain({ encrypt: encrypt(JSON.stringify(event), key) })
}
function signed(request: WebhookRequest, key = KEY): WebhookRequest {
  const [timestamp, nonce] = ['1700000000', '42']
  const signature = createHash('sha256').update(`${timestamp}${nonce}${key}${request.body}`).digest('hex')
  const headers = {
    'X-Lark-Request-Timestamp': timestamp,
    'X-Lark-Request-Nonce': nonce,
    'X-Lark-Signature': signature,
  }
  return { ...request, headers }
}

function setUp(options: Partial<TicketWebhookOptions> = {}) {
  const inbox = ticketInbox({ store: memoryStore(), appId: APP })
  const receive = ticketWebhook({ inbox, verificationToken: TOKEN, ...options })
  const statusOf = async (request: WebhookRequest): Promise<number> => {
    const answer = await receive(request)
    expect(inspect(answer)).not.toContain('MARKED')
    return answer.statusCode
  }
  return { inbox, receive, statusOf }
}

describe('a webhook without an Encrypt Key', () => {
  it('answers the check of its address', async () => {
    const { receive, inbox } = setUp()
    const { statusCode, headers, body } = await receive(plain(challenge))
    expect([statusCode, headers, JSON.parse(body)]).toEqual([
      200,
      { 'content-type': 'application/json' },
      { challenge: 'ajls384kdjx98XX' },
    ])
    expect(await inbox.get()).toBeUndefined()
  })

  it('puts a pushed ticket into the inbox', async () => {
    const { statusOf, inbox } = setUp()
    expect(await statusOf(plain(ticketEvent()))).toBe(200)
    expect(await inbox.get()).toBe('MARKED-ticket')
  })

  it('takes a body in base64, and secrets from functions', async () => {
    const { statusOf, inbox } = setUp({ verificationToken: async () => TOKEN })
    const body = Buffer.from(JSON.stringify(ticketEvent())).toString('base64')
    expect(await statusOf({ headers: {}, body, isBase64Encoded: true })).toBe(200)
    expect(await inbox.get()).toBe('MARKED-ticket')
  })

  it('does not let a push that comes late replace a newer ticket, and is content with it', async () => {
    const { statusOf, inbox } = setUp()
    await statusOf(plain(ticketEvent({ ts: '1502199300.5' }, { app_ticket: 'newer' })))
    expect(await statusOf(plain(ticketEvent()))).toBe(200)
    expect(await inbox.get()).toBe('newer')
  })

  it.each([undefined, '', 'soon', '1e999', 5, '9'.repeat(40)])('takes a ticket whose time is %j', async (ts) => {
    const { statusOf, inbox } = setUp()
    expect(await statusOf(plain(ticketEvent({ ts })))).toBe(200)
    expect(await inbox.get()).toBe('MARKED-ticket')
  })

  it('answers other events with 200 and leaves them, those of the second version too', async () => {
    const { statusOf, inbox } = setUp()
    expect(await statusOf(plain(ticketEvent({}, { type: 'app_open' })))).toBe(200)
    const second = { schema: '2.0', header: { token: TOKEN, event_type: 'im.message.receive_v1' }, event: {} }
    expect(await statusOf(plain(second))).toBe(200)
    expect(await statusOf(plain({ token: TOKEN }))).toBe(200)
    expect(await inbox.get()).toBeUndefined()
  })

  it.each([
    ['another token', ticketEvent({ token: 'x' })],
    ['no token', ticketEvent({ token: undefined })],
    ['a token that is not a string', ticketEvent({ token: [TOKEN] })],
    ['a token that goes on', ticketEvent({ token: `${TOKEN}x` })],
    ['another token for a challenge', { ...challenge, token: 'x' }],
    ['another token in a header', { schema: '2.0', header: { token: 'x' }, event: {} }],
  ])('answers 401 to %s', async (_what, event) => {
    const { statusOf, inbox } = setUp()
    expect(await statusOf(plain(event))).toBe(401)
    expect(await inbox.get()).toBeUndefined()
  })

  it.each([
    ['no body', { headers: {} }],
    ['a null body, as a REST API of API Gateway sends it', { headers: {}, body: null }],
    ['a body that is not a string', { headers: {}, body: {} }],
    ['no headers', { body: JSON.stringify(ticketEvent()) }],
    ['null headers', { headers: null, body: JSON.stringify(ticketEvent()) }],
    ['nothing at all', undefined],
    ['what is not JSON', { headers: {}, body: 'MARKED' }],
    ['a list', { headers: {}, body: '[]' }],
    ['a body that is too large', { headers: {}, body: JSON.stringify(ticketEvent({ pad: 'x'.repeat(66_000) })) }],
    ['a body of 10 MB', { headers: {}, body: 'x'.repeat(10_000_000), isBase64Encoded: true }],
    ['a ticket of another app', plain(ticketEvent({}, { app_id: 'cli_other' }))],
    ['no ticket', plain(ticketEvent({}, { app_ticket: '' }))],
    ['a ticket of two words', plain(ticketEvent({}, { app_ticket: 'a b' }))],
    ['a ticket that is not a string', plain(ticketEvent({}, { app_ticket: {} }))],
    ['a challenge that is not a string', plain({ ...challenge, challenge: 5 })],
    ['a challenge without end', plain({ ...challenge, challenge: 'x'.repeat(2_000) })],
    ['an encrypted event', sealed(ticketEvent())],
  ] as const)('answers 400 to %s', async (_what, request) => {
    const { statusOf, inbox } = setUp()
    expect(await statusOf(request as WebhookRequest)).toBe(400)
    expect(await inbox.get()).toBeUndefined()
  })

  it('fails when the inbox fails, so that the platform pushes again', async () => {
    const fault = Object.assign(new Error('no'), { code: 'STORE_UNAVAILABLE', retryable: true })
    const store = { ...memoryStore(), swap: () => Promise.reject(fault) }
    const { receive } = setUp({ inbox: ticketInbox({ store, appId: APP }) })
    await expect(receive(plain(ticketEvent()))).rejects.toBe(fault)
  })
})

describe('a webhook with an Encrypt Key', () => {
  it('opens what is encrypted as the platform documents', () => {
    // The example of the platform's page on receiving events.
    expect(decrypt('P37w+VZImNgPEO1RBhJ6RtKl7n6zymIbEG1pReEzghk=', 'test key')).toBe('hello world')
  })

  it('answers the check of its address, which comes without a signature', async () => {
    const { receive } = setUp({ encryptKey: KEY })
    const { statusCode, body } = await receive(sealed(challenge))
    expect([statusCode, JSON.parse(body)]).toEqual([200, { challenge: 'ajls384kdjx98XX' }])
    expect((await receive(signed(sealed(challenge)))).statusCode).toBe(200)
  })

  it('puts a ticket that is encrypted and signed into the inbox', async () => {
    const { statusOf, inbox } = setUp({ encryptKey: () => KEY })
    expect(await statusOf(signed(sealed(ticketEvent())))).toBe(200)
    expect(await inbox.get()).toBe('MARKED-ticket')
  })

  it('finds the headers whatever the case of their names', async () => {
    const { statusOf } = setUp({ encryptKey: KEY })
    const { body, headers } = signed(sealed(ticketEvent()))
    const lower = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
    expect(await statusOf({ body, headers: lower })).toBe(200)
  })

  const good = signed(sealed(ticketEvent()))
  const without = (name: string): WebhookRequest => ({ ...good, headers: { ...good.headers, [name]: undefined } })
  it.each([
    ['not encrypted', plain(ticketEvent())],
    ['not encrypted, though signed', signed(plain(ticketEvent()))],
    ['not signed', sealed(ticketEvent())],
    ['signed with another key', signed(sealed(ticketEvent()), 'x')],
    ['signed for another body', { ...good, body: sealed(ticketEvent()).body }],
    ['without a time', without('X-Lark-Request-Timestamp')],
    ['without a nonce', without('X-Lark-Request-Nonce')],
    ['without a signature', without('X-Lark-Signature')],
    ['of an empty signature', { ...good, headers: { ...good.headers, 'X-Lark-Signature': '' } }],
    ['encrypted with another key', signed(sealed(ticketEvent(), 'x'))],
    ['encrypted badly', signed(plain({ encrypt: 'AAAA' }))],
    ['encrypted to no JSON', signed(plain({ encrypt: encrypt('nonsense') }))],
    ['encrypted as no text', signed(plain({ encrypt: 5 }))],
    ['of another Verification Token', signed(sealed(ticketEvent({ token: 'x' })))],
    ['a challenge of another token', sealed({ ...challenge, token: 'x' })],
    ['a challenge that is not encrypted', plain(challenge)],
  ] as const)('answers one and the same 401 when the event is %s', async (_what, request) => {
    const { receive, inbox } = setUp({ encryptKey: KEY })
    // Answers that differ would say whether a forged event could be decrypted.
    expect(await receive(request)).toEqual({
      statusCode: 401,
      headers: { 'content-type': 'application/json' },
      body: '{"error":"the request does not prove that it comes from the platform"}',
    })
    expect(await inbox.get()).toBeUndefined()
  })
})

describe('the signature', () => {
  it('covers time, nonce, key and body, in this order', () => {
    const signature = createHash('sha256').update('12keybody').digest('hex')
    const parts = { timestamp: '1', nonce: '2', text: 'body', signature }
    expect(isSigned(parts, 'key')).toBe(true)
    expect(isSigned({ ...parts, signature: signature.toUpperCase() }, 'key')).toBe(true)
    expect(isSigned({ ...parts, timestamp: '2', nonce: '1' }, 'key')).toBe(false)
    expect(isSigned({ ...parts, text: 'else' }, 'key')).toBe(false)
  })
})

describe('wrong options', () => {
  const inbox = ticketInbox({ store: memoryStore(), appId: APP })
  it.each([
    [{ verificationToken: 'x' }, 'inbox'],
    [{ inbox }, 'verificationToken'],
    [{ inbox, verificationToken: '' }, 'verificationToken'],
    [{ inbox, verificationToken: 'x', encryptKey: '' }, 'encryptKey'],
    [{ inbox, verificationToken: 'x', encrypt: 'x' }, 'encrypt'],
  ])('%# are a TypeError that names "%s"', (options, name) => {
    expect(() => ticketWebhook(options as unknown as TicketWebhookOptions)).toThrow(TypeError)
    expect(() => ticketWebhook(options as unknown as TicketWebhookOptions)).toThrow(`"${name}"`)
  })

  it('of a function that gives no text are a typed error', async () => {
    const receive = ticketWebhook({ inbox, verificationToken: () => undefined as unknown as string })
    await expect(receive(plain(challenge))).rejects.toMatchObject({ code: 'BAD_SECRET' })
  })
})
