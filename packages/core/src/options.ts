import { misuse } from './misuse.ts'
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
  const fields = asFields(options) ?? misuse(where, 'options must be an object')
  const given: { [name: string]: unknown } = {}
  for (const name of Object.keys({ ...rules, ...fields })) {
    const value = fields[name]
    // Own names only: every object has a "constructor".
    const [must, test] =
      (Object.hasOwn(rules, name) && rules[name]) ||
      misuse(where, `unknown option "${name}"; known are ${Object.keys(rules).join(', ')}`)
    // No test takes `undefined`.
    if (test(value)) given[name] = value
    else if (value !== undefined || required.includes(name)) misuse(where, `option "${name}" must be ${must}`)
  }
  return given as T
}
