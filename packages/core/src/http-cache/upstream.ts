import CachePolicy from 'http-cache-semantics'

/** How long a value lives, in ms. */
export interface Lives {
  readonly fresh?: number
  readonly usable?: number
}

/** What an answer says of the life of its value. */
export type UpstreamLives =
  | { readonly outcome: 'told'; readonly lives: Required<Lives> }
  /** It says nothing: the resource's own lives hold. */
  | { readonly outcome: 'untold' }
  /** It must not be stored, or is over at once. */
  | { readonly outcome: 'not-kept' }

/** The longest life that is believed, in ms: that of a data cache. */
const MAX_LIFE: number = 400 * 86_400_000

/** Reads RFC 9111's headers, and stale-while-revalidate and stale-if-error of RFC 5861. */
export function livesOf(
  { url, headers }: { readonly url: string; readonly headers: Headers },
  response: Response,
  shared: boolean,
): UpstreamLives {
  const answered = Object.fromEntries(response.headers)
  // Whatever else it says, another request would have got another answer.
  if (answered['vary']?.split(',').some((name) => name.trim() === '*') === true) return { outcome: 'not-kept' }
  const request = { url, method: 'GET', headers: Object.fromEntries(headers) }
  // A 304 carries the headers of the answer that it stands for (RFC 9111 §4.3.4).
  const policy = new CachePolicy(request, { status: 200, headers: answered }, { shared, cacheHeuristic: 0 })
  if (!policy.storable()) return { outcome: 'not-kept' }
  if (answered['cache-control'] === undefined && answered['expires'] === undefined) return { outcome: 'untold' }
  const left = whole((policy.maxAge() - policy.age()) * 1_000)
  const mustRevalidate = /\b(must-revalidate|proxy-revalidate|no-cache)\b/i.test(answered['cache-control'] ?? '')
  const usable = mustRevalidate ? left : Math.max(left, whole(policy.timeToLive()))
  return usable > 0 ? { outcome: 'told', lives: { fresh: left, usable } } : { outcome: 'not-kept' }
}

/** In whole seconds, as headers count: the policy also takes off the milliseconds since the answer. */
function whole(ms: number): number {
  return Math.min(MAX_LIFE, Math.max(0, Math.round(ms / 1_000) * 1_000))
}
