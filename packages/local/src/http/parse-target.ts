/** The two halves of a request target: the raw path and the raw query, neither decoded. */
export interface Target {
  /** Percent-encoded path, beginning with a slash. */
  readonly path: string
  /** Percent-encoded query, without the question mark; empty when absent. */
  readonly query: string
}

/** Splits a request target; an absolute-form target (`http://host/path`) loses its origin. */
export function parseTarget(url: string): Target {
  const origin = /^https?:\/\/[^/?]*/i.exec(url)?.[0] ?? ''
  const rest = url.slice(origin.length)
  const mark = rest.indexOf('?')
  const path = mark < 0 ? rest : rest.slice(0, mark)
  return { path: path.startsWith('/') ? path : `/${path}`, query: mark < 0 ? '' : rest.slice(mark + 1) }
}
