import { createCipheriv, createHash, randomBytes } from 'node:crypto'
import type { APIGatewayProxyEventV2 } from 'aws-lambda'
import { expect, test, vi } from 'vitest'
import { readFeishuSettings } from './settings.ts'

const FEISHU = {
  FEISHU_APP_ID: 'cli_9f3ca975326b501b',
  FEISHU_VERIFICATION_TOKEN: 'marked-verification',
  FEISHU_ENCRYPT_KEY: 'marked-key',
}
const OTHERS = {
  TOKEN_TABLE: 'tokens',
  ISSUER: 'https://login.example.com',
  CLIENT_ID: 'contacts',
  CLIENT_SECRET_ID: 'marked-secret',
  API_URL: 'https://api.example.com',
}

function encrypted(event: unknown): APIGatewayProxyEventV2 {
  const iv = randomBytes(16)
  const key = createHash('sha256').update(FEISHU.FEISHU_ENCRYPT_KEY).digest()
  const cipher = createCipheriv('aes-256-cbc', key, iv)
  const bytes = Buffer.concat([iv, cipher.update(JSON.stringify(event)), cipher.final()])
  return { headers: {}, body: JSON.stringify({ encrypt: bytes.toString('base64') }) } as APIGatewayProxyEventV2
}

test('the webhook proves its address to the platform, and to nobody else', async () => {
  for (const [name, value] of Object.entries({ ...OTHERS, ...FEISHU })) vi.stubEnv(name, value)
  try {
    const { handler } = await import('./feishu-ticket.ts')
    const event = { type: 'url_verification', challenge: 'are-you-there', token: FEISHU.FEISHU_VERIFICATION_TOKEN }
    const answer = await handler(encrypted(event))
    expect([answer.statusCode, JSON.parse(answer.body ?? '')]).toEqual([200, { challenge: 'are-you-there' }])
    expect((await handler(encrypted({ ...event, token: 'x' }))).statusCode).toBe(401)
    expect((await handler({ headers: {}, body: '' } as APIGatewayProxyEventV2)).statusCode).toBe(400)
  } finally {
    vi.unstubAllEnvs()
  }
})

test('the settings of the webhook', () => {
  expect(readFeishuSettings(FEISHU)).toEqual({
    appId: 'cli_9f3ca975326b501b',
    verificationToken: 'marked-verification',
    encryptKey: 'marked-key',
  })
})

test.each(Object.keys(FEISHU))('%s missing or empty: the error names it and shows no value', (name) => {
  for (const value of [undefined, '']) {
    const read = () => readFeishuSettings({ ...FEISHU, [name]: value })
    expect(read).toThrow(new Error(`The environment variable ${name} is missing or empty`))
  }
})
