/** What an option must be: words that complete "option X must be …", and the test, which takes no `undefined`. */
export type Rule = readonly [must: string, test: (value: unknown) => boolean]

/** Whether it is a text, and not empty. */
export function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}
/** Whether it is a function. */
export function isFunction(value: unknown): boolean {
  return typeof value === 'function'
}

/** A text of one form. */
export function matching(must: string, form: RegExp): Rule {
  return [must, (value) => typeof value === 'string' && form.test(value)]
}

/** A text. */
export const text: Rule = ['a text, not empty', isText]
/** Yes or no. */
export const flag: Rule = ['true or false', (value) => typeof value === 'boolean']
/** A length of time. */
export const length: Rule = ['a number of ms above 0', (value) => typeof value === 'number' && value > 0]

/** Where an SDK client finds its service. */
export const PLACE: { readonly [name: string]: Rule } = {
  region: text,
  // The test of a form takes anything, as its text.
  endpoint: ['an http(s) URL', (value) => /^https?:/i.test(value as string) && URL.canParse(value as string)],
  client: ['an SDK client or a function', (value) => isFunction(value) || isFunction(Object(value).send)],
}

/** Throws `TypeError` that names the option: one that is missing, wrong, or unknown. It never shows what was given. */
export function checkAll(
  of: string,
  options: object,
  rules: { readonly [name: string]: Rule },
  required: readonly string[],
): void {
  const given: { readonly [name: string]: unknown } = { ...options }
  for (const name of [...required, ...Object.keys(given)]) {
    const value = given[name]
    // What every object has, such as a "constructor", is no rule: it has no test.
    const rule = rules[name]
    const why = !rule?.[1]
      ? `unknown option "${name}"; known are ${Object.keys(rules).join(', ')}`
      : (value === undefined ? required.includes(name) : !rule[1](value)) && `option "${name}" must be ${rule[0]}`
    if (why) throw new TypeError(`${of}: ${why}`)
  }
}
