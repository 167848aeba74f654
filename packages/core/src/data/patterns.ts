import { misuse } from '../lib/options.ts'
import { MAX_PATTERN } from './generations.ts'
import { encodeSegment } from './key-template.ts'

/** How many `*` a pattern may have. */
const MAX_STARS = 8

/** What a pattern stands for: a tag that longer keys have by their own prefix, or a pattern of the root record. */
export type ParsedPattern =
  | { readonly outcome: 'tag'; readonly tag: string }
  | { readonly outcome: 'pattern'; readonly text: string }

/**
 * Parses a pattern for `invalidate({ match })`, in which `*` stands for any text, `:` included. `project:42:*` is the tag
 * of every longer key; `project:*`, `*:info` and similar ones stand in the root record. Throws `TypeError`.
 */
export function parsePattern(match: string): ParsedPattern {
  if (match === '' || match.length > MAX_PATTERN || !match.isWellFormed())
    misuse('invalidate', `"match" must be a string of 1 to ${MAX_PATTERN} characters, such as "project:42:*"`)
  const stars = match.split('*').length - 1
  if (stars === 0) misuse('invalidate', `"match" has no "*"; to invalidate one key use delete, or add a "*": ${match}`)
  if (stars > MAX_STARS) misuse('invalidate', `"match" must have at most ${MAX_STARS} "*"`)
  const text = match
    .split(/([:*])/)
    .map((part) => (part === ':' || part === '*' ? part : encodeSegment(part)))
    .join('')
    .replace(/\*+/g, '*')
  if (text.length > MAX_PATTERN)
    misuse('invalidate', `"match" is longer than ${MAX_PATTERN} characters when it is encoded`)
  const prefix = text.slice(0, -1)
  const isPrefix = text.endsWith(':*') && !prefix.includes('*') && prefix.indexOf(':') < prefix.length - 1
  return isPrefix ? { outcome: 'tag', tag: prefix } : { outcome: 'pattern', text }
}

/** Whether a key matches a pattern. Takes at most the product of their lengths, without recursion. */
export function matchesPattern(key: string, pattern: string): boolean {
  let at = 0
  let star = -1
  let resume = 0
  let next = 0
  while (at < key.length) {
    if (pattern[next] === '*') {
      star = next
      resume = at
      next += 1
    } else if (pattern[next] === key[at]) {
      next += 1
      at += 1
    } else if (star >= 0) {
      // The last star takes one character more.
      resume += 1
      at = resume
      next = star + 1
    } else return false
  }
  while (pattern[next] === '*') next += 1
  return next === pattern.length
}
