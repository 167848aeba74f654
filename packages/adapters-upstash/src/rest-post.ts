import { type Answer, connectionsTo } from '@warmtoken/http'
import { failure, storeFault } from './failure.ts'

/** Sends a body once. Rejects when no whole answer comes, or when the signal aborts. */
type Post = (body: string, syncToken: string, signal: AbortSignal) => Promise<Answer>

/** Makes what sends to a database. Throws a fault when the URL is none, or the token no header. */
export function poster(url: string, token: string): Post {
  const address = URL.parse(url)
  if (address === null || !/^https?:$/.test(address.protocol)) throw storeFault(failure('UrlError', 'no URL'))
  // Such as a line's end that was copied with the token. It would be refused with each request; here it is told what it is.
  if (!/^[\t -~]*$/.test(token)) throw storeFault(failure('TokenError', 'no token'))
  const exchange = connectionsTo(address, { headers: ['upstash-sync-token'] })
  const path = `${address.pathname}${address.search}`
  const fixed = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  return (body, syncToken, signal) => {
    const headers = { ...fixed, 'upstash-sync-token': syncToken }
    return exchange({ method: 'POST', path, headers, body }, signal)
  }
}
