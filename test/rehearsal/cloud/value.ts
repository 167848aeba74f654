/** What JSON can hold. */
export type Value = string | number | boolean | null | readonly Value[] | Mapping

/** A JSON object. */
export interface Mapping {
  readonly [name: string]: Value
}

export function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function isList(value: Value | undefined): value is readonly Value[] {
  return Array.isArray(value)
}

/** The member of that name if the value is an object that has it itself. */
export function member(value: Value | undefined, name: string): Value | undefined {
  return isMapping(value) && Object.hasOwn(value, name) ? value[name] : undefined
}

/** The member that several names lead to, one in the other. */
export function memberAt(value: Value | undefined, ...names: readonly string[]): Value | undefined {
  return names.reduce(member, value)
}

/** One text or a list of strings, as IAM and CloudFormation take them; undefined if it is neither. */
export function textsOf(value: Value | undefined): readonly string[] | undefined {
  const list = isList(value) ? value : [value]
  return list.every((one): one is string => typeof one === 'string') ? list : undefined
}

/** The same text for the same value, whatever the order of its members. */
export function canonical(value: Value | undefined): string {
  if (isList(value)) return `[${value.map(canonical).join()}]`
  if (!isMapping(value)) return JSON.stringify(value) ?? 'null'
  const members = Object.keys(value).toSorted()
  return `{${members.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join()}}`
}
