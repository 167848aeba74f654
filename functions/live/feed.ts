import { Buffer } from 'node:buffer'
import { once } from 'node:events'
import type { Writable } from 'node:stream'
import { feed } from './composition.ts'

interface UrlEvent {
  readonly body?: string
  readonly isBase64Encoded?: boolean
  readonly headers?: Readonly<Record<string, string | undefined>>
}

/** What the runtime gives a function whose URL streams its answers. */
declare const awslambda: {
  streamifyResponse(handler: (event: UrlEvent, response: Writable) => Promise<void>): unknown
  readonly HttpResponseStream: { from(response: Writable, head: object): Writable }
}

const HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
}

/** The function URL: one stream of Server-Sent Events. */
export const handler = awslambda.streamifyResponse(async (event, response) => {
  const { body = '', isBase64Encoded = false, headers = {} } = event
  const out = awslambda.HttpResponseStream.from(response, { statusCode: 200, headers: HEADERS })
  const gone = new AbortController()
  out.on('close', () => gone.abort())
  out.on('error', () => gone.abort())
  await feed({
    body: isBase64Encoded ? Buffer.from(body, 'base64').toString() : body,
    lastEventId: headers['last-event-id'],
    // A viewer that reads slowly is waited for: what it has not read does not pile up here.
    async write(text) {
      if (!out.write(text) && !gone.signal.aborted) await once(out, 'drain', { signal: gone.signal }).catch(() => {})
    },
    signal: gone.signal,
  })
  out.end()
})
