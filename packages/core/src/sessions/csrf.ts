import type { IncomingRequest } from './request.ts'

/** Methods that change nothing (RFC 9110 §9.2.1). */
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE'])

/**
 * Whether another site may have caused a request that a cookie came with. Browsers say so in `sec-fetch-site`, old ones in
 * `origin`; a request with neither does not come from a browser. `origins`: other sites that may.
 */
export function isForged(request: IncomingRequest, origins: readonly string[]): boolean {
  if (SAFE.has(request.method)) return false
  const [site] = request.headers('sec-fetch-site')
  const [origin] = request.headers('origin')
  if (site === 'same-origin' || site === 'none') return false
  const isListed = origin !== undefined && origins.includes(origin)
  if (site !== undefined) return !isListed
  if (origin === undefined) return false
  return !isListed && hostOf(origin) !== request.headers('host')[0]?.toLowerCase()
}

function hostOf(origin: string): string | undefined {
  return URL.parse(origin)?.host
}
