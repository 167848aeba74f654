import { Client, EventDispatcher } from '@larksuiteoapi/node-sdk'
import { type FeishuImitationOptions, startFeishu } from '@warmtoken/local/issuers'
import { expect, test } from 'vitest'

// The platform's own SDK is the witness that the imitation speaks as the platform does.

async function withFeishu(
  options: FeishuImitationOptions,
  run: (feishu: Awaited<ReturnType<typeof startFeishu>>) => Promise<void>,
): Promise<void> {
  const feishu = await startFeishu(options)
  try {
    await run(feishu)
  } finally {
    await feishu.close()
  }
}

function quiet(): void {}
const logger = { error: quiet, warn: quiet, info: quiet, debug: quiet, trace: quiet }

/** A cache as the SDK requires it. */
function cacheOf(kept: Map<string, unknown>) {
  return {
    get: async (key: unknown) => kept.get(String(key)),
    set: async (key: unknown, value: unknown) => {
      kept.set(String(key), value)
      return true
    },
  }
}

test('the SDK gets a tenant token from the imitation and calls its API with it', async () => {
  await withFeishu({}, async (feishu) => {
    const client = new Client({
      appId: 'cli_local',
      appSecret: 'local-secret',
      domain: feishu.url,
      logger,
      cache: cacheOf(new Map()),
    })
    const answer = await client.contact.user.list({ params: { page_size: 10 } })
    expect([answer.code, answer.data?.items?.[0]?.name]).toEqual([0, 'Ada Lovelace'])
    expect([feishu.requests, feishu.apiCalls]).toEqual([1, 1])
  })
})

test.each([
  ['as they are', {}],
  ['encrypted and signed', { encryptKey: 'push-key' }],
])('the SDK takes the pushed tickets, %s', async (_how, secrets) => {
  await withFeishu(secrets, async (feishu) => {
    const kept = new Map<string, unknown>()
    const verificationToken = 'local-verification'
    const settings = { verificationToken, logger, cache: cacheOf(kept), ...secrets }
    const { headers, body, ticket } = feishu.ticketEvent()
    // The SDK looks for the headers on the prototype, so that they are not signed with the body.
    await new EventDispatcher(settings).invoke(Object.assign(Object.create({ headers }), JSON.parse(body)))
    expect([...kept.values()]).toEqual([ticket])
  })
})
