import { asFields } from './parse.ts'
import type { Rule } from './rules.ts'

/**
 * Checks options at construction. Throws `TypeError` that names the option: one that is missing, wrong, or unknown (a
 * typo must not silently become a default).
 */
export const checkOptions = (
  where: string,
  options: unknown,
  rules: { readonly [name: string]: Rule },
  required: readonly string[] = [],
): void => {
  const fields = asFields(options)
  if (fields === undefined) throw new TypeError(`${where}: options must be an object`)
  for (const name of new Set([...required, ...Object.keys(fields)])) {
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined
    const option = `option "${name}"`
    const value = fields[name]
    if (rule === undefined)
      throw new TypeError(`${where}: unknown ${option}; known are ${Object.keys(rules).join(', ')}`)
    if (value === undefined ? required.includes(name) : !rule[1](value))
      throw new TypeError(`${where}: ${option} must be ${rule[0]}`)
  }
}
