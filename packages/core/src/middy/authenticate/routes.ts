import { misuse, type Rule } from '../../lib/options.ts'
import { matches } from '../../lib/parse.ts'
import type { IncomingRequest } from '../../sessions/request.ts'

/** A method or none, and a path that may end in a segment for whatever is below. */
const PATTERN = /^(?:[A-Z]+ )?(?:\/[^\s*]*|\/(?:[^\s*]*\/)?\*)$/

/** What a pattern must be. */
export const patternsRule: Rule = [
  'a list of routes such as "GET /health" or "/public/*"',
  (value) => Array.isArray(value) && value.every((one) => matches(one, PATTERN)),
]

/** Whether a request is for one of some routes. */
export type RouteMatch = (request: IncomingRequest) => boolean

/**
 * Matches routes by what the gateway decided, so that no trick with the path leads past it. Only where the gateway leaves the
 * route to the function, the path itself counts, and only if it can be read in one way.
 */
export function matchRoutes(patterns: readonly string[]): RouteMatch {
  const tests = patterns.map(compile)
  return (request) => {
    const path = request.route ?? (isPlainPath(request.path) ? request.path : undefined)
    return path !== undefined && tests.some((test) => test(request.method, path))
  }
}

/** Whether every router reads the path in the same way: no empty or dotted segments, no hidden separators. */
export function isPlainPath(path: string): boolean {
  return /^\/[\w\-~!$&'()*+,=:@.%/]*$/.test(path) && !/\/\/|\/\.|%(?:2f|5c|2e|3b|25|00)/i.test(path)
}

function compile(pattern: string): (method: string, path: string) => boolean {
  if (!PATTERN.test(pattern)) misuse('authenticate', `"${pattern}" is no route such as "GET /health" or "/public/*"`)
  const [first = '', second] = pattern.split(' ')
  const [method, path] = second === undefined ? [undefined, first] : [first, second]
  const isMethod = (asked: string): boolean => method === undefined || method === 'ANY' || method === asked
  if (!path.endsWith('*')) return (asked, at) => isMethod(asked) && at === path
  const start = path.slice(0, -1)
  return (asked, at) => isMethod(asked) && at.startsWith(start)
}
