import { asFields } from './parse.ts'
import type { Rule } from './rules.ts'

/**
 * Checks options at construction. Throws `TypeError` that names the option: one that is missing, wrong, or unknown (a
 * typo must not silently become a default). Gives back those that are not `undefined`.
 */
export const checkOptions = <T>(
  where: string,
  options: T,
  rules: { readonly [name: string]: Rule },
  required: readonly string[] = [],
): T => {
  const fields = asFields(options)
  if (fields === undefined) throw new TypeError(`${where}: options must be an object`)
  const given: { [name: string]: unknown } = {}
  for (const name of new Set([...required, ...Object.keys(fields)])) {
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined
    const option = `option "${name}"`
    const value = fields[name]
    if (rule === undefined)
      throw new TypeError(`${where}: unknown ${option}; known are ${Object.keys(rules).join(', ')}`)
    if (value === undefined ? required.includes(name) : !rule[1](value))
      throw new TypeError(`${where}: ${option} must be ${rule[0]}`)
    if (value !== undefined) given[name] = value
  }
  return given as T
}
