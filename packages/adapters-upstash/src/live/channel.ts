import type { IncomingMessage } from 'node:http'
import { storeFault } from '@warmtoken/core/adapter'
import { misuse } from '@warmtoken/core/adapter/setup'
import type { Channel } from '@warmtoken/core/live'
import { checkUpstashOptions, type UpstashStoreOptions } from '../redis/options.ts'

/** The longest line of the stream that is read, in characters; an event has 512 bytes. */
const MAX_LINE = 64 * 1024

/**
 * The channel `<prefix>live`, on which the store publishes announced writes: the option `channel` of `createFeed`. It is heard by
 * Upstash's event stream, one connection a listener, which takes `url` and `token`. Throws `TypeError` that names a wrong option.
 */
export function upstashChannel(options: UpstashStoreOptions): Channel {
  checkUpstashOptions(options)
  const { url, token = '', prefix = 'warmtoken:' } = options
  if (url === undefined)
    return misuse('upstashChannel', 'options "url" and "token" are required; a "client" is not used')
  const name = `${prefix}live`
  return {
    name: 'upstash',
    async listen({ onText, onEnd }, { signal }) {
      const address = new URL(`${url.replace(/\/$/, '')}/subscribe/${encodeURIComponent(name)}`)
      const headers = { authorization: `Bearer ${token}`, accept: 'text/event-stream' }
      const answer = await request(address, { headers, agent: options.agent, signal }).catch((cause: unknown) => {
        throw fault('the channel cannot be heard', cause)
      })
      const { statusCode } = answer
      if (statusCode !== 200) {
        answer.destroy()
        throw refused(statusCode)
      }
      await new Promise<void>((resolve, reject) => {
        answer.once('close', () => {
          reject(fault('the channel ended before it was heard'))
          onEnd()
        })
        // "close" follows.
        answer.on('error', () => undefined)
        readLines(answer, (line) => {
          if (line === `data: subscribe,${name},1`) resolve()
          else if (line.startsWith(`data: message,${name},`)) onText(line.slice(`data: message,${name},`.length))
        })
      })
    },
  }
}

interface Ends {
  readonly headers: Readonly<Record<string, string>>
  readonly agent: UpstashStoreOptions['agent']
  readonly signal: AbortSignal
}

async function request(url: URL, { headers, agent, signal }: Ends): Promise<IncomingMessage> {
  const { get } = url.protocol === 'https:' ? await import('node:https') : await import('node:http')
  return new Promise((resolve, reject) => {
    get(url, { headers, signal, ...(agent && { agent }) }, resolve).on('error', reject)
  })
}

/** Calls back for each line. A line that is too long ends the connection: it is none of ours. */
function readLines(answer: IncomingMessage, onLine: (line: string) => void): void {
  let text = ''
  answer.setEncoding('utf8').on('data', (part: string) => {
    const lines = (text + part).split(/\r?\n/)
    text = lines.pop() ?? ''
    for (const line of lines) onLine(line)
    if (text.length > MAX_LINE) answer.destroy()
  })
}

function refused(status: number | undefined): Error {
  if (status !== 401 && status !== 403) return fault(`the channel was answered by ${status}`)
  const why = 'access denied; the token must be that of this database and be allowed SUBSCRIBE'
  return storeFault(`Upstash: ${why}`, { code: 'STORE_DENIED', retryable: false })
}

function fault(why: string, cause?: unknown): Error {
  return storeFault(`Upstash: ${why}`, { code: 'STORE_UNAVAILABLE', retryable: true, cause })
}
