import { failure, storeFault } from './failure.ts'
import type { Answer } from './rest-answer.ts'
import { connectionsTo } from './rest-connections.ts'

/** Sends a body once. Rejects when no whole answer comes, or when the signal aborts. */
type Post = (body: string, syncToken: string, signal: AbortSignal) => Promise<Answer>

/** Makes what sends to a database. Throws a fault when the URL is none, or the token no header. */
export const poster = (url: string, token: string): Post => {
  const address = URL.parse(url)
  if (address === null || !/^https?:$/.test(address.protocol)) throw storeFault(failure('UrlError', 'no URL'))
  // Such as a line's end that was copied with the token: with it the rest would be another header.
  if (!/^[\t -~]*$/.test(token)) throw storeFault(failure('TokenError', 'no token'))
  const exchange = connectionsTo(address)
  const { host, pathname, search } = address
  const head = [
    `POST ${pathname}${search} HTTP/1.1`,
    `host: ${host}`,
    'connection: keep-alive',
    `authorization: Bearer ${token}`,
    'content-type: application/json',
  ].join('\r\n')
  return (body, syncToken, signal) => {
    const length = Buffer.byteLength(body)
    const more = `content-length: ${length}\r\nupstash-sync-token: ${syncToken}`
    return exchange(`${head}\r\n${more}\r\n\r\n${body}`, signal)
  }
}
