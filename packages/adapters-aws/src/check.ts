/** What an option must be: words that complete "option X must be …", and the test. */
export type Rule = readonly [must: string, test: (value: unknown) => boolean]

const isText = (value: unknown): boolean => typeof value === 'string' && value !== ''
const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

/** A text. */
export const text: Rule = ['a text, not empty', isText]
/** A length of time. */
export const length: Rule = ['a number of ms above 0', (value) => typeof value === 'number' && value > 0]
/** An SDK client, or what gives it. */
export const client: Rule = [
  'an SDK client, or a function that gives one',
  (value) =>
    typeof value === 'function' || (isObject(value) && typeof (value as { send?: unknown }).send === 'function'),
]
/** A text of one form. */
export const matching = (must: string, form: RegExp): Rule => [
  must,
  (value) => typeof value === 'string' && form.test(value),
]

/** Where an SDK client finds its service. */
export const PLACE: { readonly [name: string]: Rule } = { region: text, endpoint: text, client }

/** Throws `TypeError` that names the option: one that is missing, wrong, or unknown. It never shows what was given. */
export const checkAll = (
  of: string,
  options: object,
  rules: { readonly [name: string]: Rule },
  required: readonly string[],
): void => {
  if (!isObject(options)) throw new TypeError(`${of}: options must be an object`)
  const given = new Map<string, unknown>(Object.entries(options))
  for (const name of new Set([...required, ...given.keys()])) {
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined
    const value = given.get(name)
    if (rule === undefined)
      throw new TypeError(`${of}: unknown option "${name}"; known are ${Object.keys(rules).join(', ')}`)
    if (value === undefined ? required.includes(name) : !rule[1](value))
      throw new TypeError(`${of}: option "${name}" must be ${rule[0]}`)
  }
}
