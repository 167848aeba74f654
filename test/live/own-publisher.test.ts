import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { LiveEvent, Publisher } from '@warmtoken/core/live'
import { transform } from 'esbuild'
import { afterAll, beforeAll, expect, it } from 'vitest'

/** The publisher that the page shows as a form for other engines. */
const PAGE = readFileSync(new URL('../../docs/live-events.md', import.meta.url), 'utf8')
const [, SOURCE = ''] = /```ts\n(import type \{ Publisher \}[\s\S]*?)```/.exec(PAGE) ?? []

interface Seen {
  readonly path: string
  readonly key: unknown
  readonly body: unknown
}

const seen: Seen[] = []
let status = 200
const server = createServer(async (request, response) => {
  const body: unknown = JSON.parse(await text(request))
  seen.push({ path: request.url ?? '', key: request.headers['x-api-key'], body })
  response.writeHead(status).end('{}')
})
let publisher: Publisher
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { code } = await transform(SOURCE, { loader: 'ts', format: 'esm' })
  const made = (await import(`data:text/javascript,${encodeURIComponent(code)}`)) as {
    centrifugoPublisher(url: string, apiKey: string): Publisher
  }
  publisher = made.centrifugoPublisher(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, 'key')
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

const signal = AbortSignal.timeout(100_000)
const events: readonly LiveEvent[] = [1, 2].map((version) => ({
  topic: 'tag:posts',
  key: 'a',
  version,
  kind: 'publish',
  at: 0,
}))

it('the documented publisher has 20 lines at most, and hands every event on', async () => {
  expect(SOURCE.trim().split('\n').length).toBeLessThanOrEqual(20)
  await publisher.publish(events, { signal })
  const commands = events.map((event) => ({ publish: { channel: 'tag:posts', data: event } }))
  expect(seen.splice(0)).toEqual([{ path: '/api/batch', key: 'key', body: { commands } }])
})

it('the documented publisher rejects when something may not have been handed on, and ends with its signal', async () => {
  status = 503
  await expect(publisher.publish(events, { signal })).rejects.toThrow('503')
  const controller = new AbortController()
  controller.abort()
  await expect(publisher.publish(events, { signal: controller.signal })).rejects.toThrow(/abort/i)
})
