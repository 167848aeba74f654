import { asFields } from './parse.ts'

/** What an option must be: a word for the error, and the test. */
export interface Rule {
  /** Completes the sentence "option X must be …". */
  readonly must: string
  test(value: unknown): boolean
}

const rule = (must: string, test: (value: unknown) => boolean): Rule => ({ must, test })

/** The rules that options are made of. */
interface Rules {
  readonly length: Rule
  readonly count: Rule
  readonly flag: Rule
  readonly callback: Rule
  readonly text: Rule
  readonly object: Rule
  readonly textOrCallback: Rule
  readonly texts: Rule
  readonly url: Rule
  oneOf(...words: readonly string[]): Rule
  shaped(must: string, ...methods: readonly string[]): Rule
}

/** The rules that options are made of. Lengths are in ms. */
export const a: Rules = {
  length: rule('a number of ms greater than 0', (value) => typeof value === 'number' && value > 0 && value <= 8.64e15),
  count: rule('a whole number greater than 0', (value) => Number.isSafeInteger(value) && Number(value) > 0),
  flag: rule('true or false', (value) => typeof value === 'boolean'),
  callback: rule('a function', (value) => typeof value === 'function'),
  text: rule('a text that is not empty', (value) => typeof value === 'string' && value !== ''),
  object: rule('an object', (value) => asFields(value) !== undefined),
  textOrCallback: rule(
    'a text that is not empty, or a function',
    (value) => typeof value === 'function' || (typeof value === 'string' && value !== ''),
  ),
  texts: rule(
    'a list of texts',
    (value) => Array.isArray(value) && value.every((item) => typeof item === 'string' && item !== ''),
  ),
  url: rule(
    'an absolute http or https URL',
    (value) => typeof value === 'string' && URL.canParse(value) && /^https?:$/.test(new URL(value).protocol),
  ),
  oneOf: (...words) =>
    rule(`one of ${words.join(', ')}`, (value) => typeof value === 'string' && words.includes(value)),
  shaped: (must, ...methods) =>
    rule(must, (value) => methods.every((method) => typeof asFields(value)?.[method] === 'function')),
}

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
  for (const name of Object.keys(fields)) {
    const known = Object.hasOwn(rules, name) ? rules[name] : undefined
    if (known === undefined)
      throw new TypeError(`${where}: unknown option "${name}"; known are ${Object.keys(rules).join(', ')}`)
    if (fields[name] !== undefined && !known.test(fields[name]))
      throw new TypeError(`${where}: option "${name}" must be ${known.must}`)
  }
  for (const name of required) {
    if (fields[name] === undefined)
      throw new TypeError(`${where}: option "${name}" is required and must be ${rules[name]?.must}`)
  }
}
