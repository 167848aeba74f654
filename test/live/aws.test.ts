import { createServer, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { apiGatewayConnections, appSyncPublisher, channelOf, lambdaPages } from '@warmtoken/adapters-aws/live'
import type { LiveEvent } from '@warmtoken/core/live'
import { LOCAL_CREDENTIALS } from '@warmtoken/local'
import { afterEach, describe, expect, it } from 'vitest'

interface Seen {
  readonly method: string | undefined
  readonly path: string | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

const ends: (() => void)[] = []
afterEach(() => {
  for (const end of ends.splice(0)) end()
})

/** A server that answers with a status and a text, and keeps what it was asked. */
async function startServer(answer: (seen: Seen) => readonly [status: number, text?: string]) {
  const seen: Seen[] = []
  const server = createServer(async (request: IncomingMessage, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const { method, url: path, headers } = request
    const one = { method, path, headers, body: Buffer.concat(chunks).toString() }
    seen.push(one)
    const [status, text = ''] = answer(one)
    response.writeHead(status).end(text)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  ends.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen }
}

const PLACE = { region: 'eu-central-1', credentials: LOCAL_CREDENTIALS }
const signal = AbortSignal.timeout(30_000)
const event = (version: number, topic = 'tag:posts'): LiveEvent => ({
  topic,
  key: 'a',
  version,
  kind: 'publish',
  at: 0,
})

describe('the connections of API Gateway', () => {
  it('are posted to and closed below the stage, by their encoded id, with a signature', async () => {
    const { url, seen } = await startServer(({ method }) => [method === 'POST' ? 200 : 204])
    const connections = apiGatewayConnections({ endpoint: `${url}/dev`, ...PLACE })
    expect(await connections.post('L0SM9cOFvHcCIhw=', '{"events":[]}', { signal })).toBe('sent')
    await connections.close('L0SM9cOFvHcCIhw=', { signal })
    expect(seen.map(({ method, path, body }) => [method, path, body])).toEqual([
      ['POST', '/dev/@connections/L0SM9cOFvHcCIhw%3D', '{"events":[]}'],
      ['DELETE', '/dev/@connections/L0SM9cOFvHcCIhw%3D', ''],
    ])
    for (const { headers } of seen)
      expect(headers.authorization).toMatch(
        /^AWS4-HMAC-SHA256 Credential=[^/]+\/\d{8}\/eu-central-1\/execute-api\/aws4_request/,
      )
  })

  it.each([
    [410, 'gone'],
    [429, 'throttled'],
    [204, 'sent'],
  ] as const)('say of status %i that a post is %s', async (status, outcome) => {
    const { url } = await startServer(() => [status])
    expect(await apiGatewayConnections({ endpoint: url, ...PLACE }).post('c', 'x', { signal })).toBe(outcome)
  })

  it.each([
    [403, 'STORE_DENIED', 'execute-api:ManageConnections'],
    [500, 'STORE_UNAVAILABLE', '500'],
  ])('reject at status %i with %s, and the remedy', async (status, code, words) => {
    const { url } = await startServer(() => [status, 'secret words of a server'])
    const connections = apiGatewayConnections({ endpoint: url, ...PLACE })
    for (const call of [connections.post('c', 'x', { signal }), connections.close('c', { signal })]) {
      const error = await call.then(
        () => undefined,
        (cause: Error) => cause,
      )
      expect(error).toMatchObject({ code, retryable: code === 'STORE_UNAVAILABLE' })
      expect(error?.message).toContain(words)
      expect(error?.message).not.toContain('secret words')
    }
  })

  it('close harmlessly what is gone', async () => {
    const { url } = await startServer(() => [410])
    await apiGatewayConnections({ endpoint: url, ...PLACE }).close('c', { signal })
  })

  it('require an endpoint, a region, and credentials', async () => {
    expect(() => apiGatewayConnections({} as never)).toThrow('option "endpoint"')
    expect(() => apiGatewayConnections({ endpoint: 'http://127.0.0.1:9' })).toThrow('"region"')
    const without = apiGatewayConnections({ endpoint: 'http://127.0.0.1:9', region: 'us-east-1', env: {} })
    await expect(without.post('c', 'x', { signal })).rejects.toThrow('there are no credentials')
  })
})

describe('further pages', () => {
  it('invoke the push function without waiting for it, and reject unless that was accepted', async () => {
    let status = 202
    const { url, seen } = await startServer(() => [status])
    const more = lambdaPages({ functionName: 'live-push', endpoint: url, ...PLACE })
    const page = { topic: 'tag:posts', events: [event(1)], cursor: 'c' }
    await more(page)
    expect(seen[0]?.path).toBe('/2015-03-31/functions/live-push/invocations')
    expect(seen[0]?.headers['x-amz-invocation-type']).toBe('Event')
    expect(JSON.parse(seen[0]?.body ?? '')).toEqual(page)
    status = 403
    await expect(more(page)).rejects.toMatchObject({ code: 'STORE_DENIED', retryable: false })
  })
})

describe('AppSync Events', () => {
  it('gets five events a request, each topic on its channel', async () => {
    const { url, seen } = await startServer(() => [200, '{"failed":[],"successful":[]}'])
    const publisher = appSyncPublisher({ endpoint: `${url}/event`, apiKey: 'key', channelNamespace: 'live' })
    const events = [...Array.from({ length: 7 }, (_, index) => event(index + 1)), event(9, 'key:crm~1')]
    await publisher.publish(events, { signal })
    const asked = seen.map(({ body }) => JSON.parse(body) as { channel: string; events: string[] })
    expect(asked.map(({ channel, events: some }) => [channel, some.length]).sort()).toEqual(
      [
        [`/live/${channelOf('tag:posts')}`, 5],
        [`/live/${channelOf('tag:posts')}`, 2],
        [`/live/${channelOf('key:crm~1')}`, 1],
      ].sort(),
    )
    expect(asked.flatMap(({ events: some }) => some.map((one) => JSON.parse(one) as LiveEvent)).length).toBe(8)
    expect(seen[0]?.headers['x-api-key']).toBe('key')
  })

  it.each([
    [200, '{"failed":[{"code":500}]}', true],
    [401, '{}', false],
    [500, 'x', true],
  ])('rejects at status %i with %s', async (status, text, retryable) => {
    const { url } = await startServer(() => [status, text])
    const publisher = appSyncPublisher({ endpoint: url, apiKey: 'key' })
    await expect(publisher.publish([event(1)], { signal })).rejects.toMatchObject({ retryable })
  })

  it('names the events of the requests that failed', async () => {
    const { url } = await startServer(({ body }) => [
      body.includes(channelOf('key:crm~1')) ? 500 : 200,
      '{"failed":[]}',
    ])
    const publisher = appSyncPublisher({ endpoint: url, apiKey: 'key' })
    const failed = event(2, 'key:crm~1')
    await expect(publisher.publish([event(1), failed], { signal })).rejects.toMatchObject({ unsent: [failed] })
  })

  it('has a channel for each topic that its rules allow, and no two share one', () => {
    const topics = ['tag:posts', 'tag-posts', 'tag/posts', `key:${'x'.repeat(200)}`, `key:${'x'.repeat(201)}`, 'user:ä']
    const channels = topics.map(channelOf)
    for (const channel of channels) expect(channel).toMatch(/^[A-Za-z0-9](?:[A-Za-z0-9-]{0,48}[A-Za-z0-9])?$/)
    expect(new Set(channels).size).toBe(topics.length)
  })
})
