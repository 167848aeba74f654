import { TemplateError } from './template-error.ts'
import { isMapping, type Value } from './value.ts'

/** A parameter of a template, and its value once it is known. */
export interface Parameter {
  readonly type: 'String' | 'Number'
  /** What was given, otherwise the default. */
  readonly value: string | undefined
  readonly pattern: RegExp | undefined
  readonly min: number
}

const MEMBERS = ['Type', 'Default', 'Description', 'AllowedPattern', 'MinValue']

/** Parses a parameter. Throws for what this rehearsal does not know, such as a list or a reference to the Parameter Store. */
export function parseParameter(id: string, value: Value): Parameter {
  if (!isMapping(value)) throw new TemplateError(`The parameter ${id} is not an object`)
  const strange = Object.keys(value).filter((name) => !MEMBERS.includes(name))
  if (strange.length > 0)
    throw new TemplateError(`The parameter ${id} has ${strange.join(', ')}, which is not known here`)
  const { Type: type, Default: usual, AllowedPattern: pattern, MinValue: min } = value
  if (type !== 'String' && type !== 'Number')
    throw new TemplateError(`The Type of the parameter ${id} is not known here`)
  return {
    type,
    value: usual === undefined ? undefined : String(usual),
    pattern: typeof pattern === 'string' ? new RegExp(`^(?:${pattern})$`) : undefined,
    min: typeof min === 'number' ? min : Number.NEGATIVE_INFINITY,
  }
}

/** The parameters with the values that were given. Throws as CloudFormation does for one that is missing, unknown or wrong. */
export function withValues(
  parameters: ReadonlyMap<string, Parameter>,
  given: ReadonlyMap<string, string>,
): ReadonlyMap<string, Parameter> {
  const unknown = [...given.keys()].filter((id) => !parameters.has(id))
  if (unknown.length > 0) throw new TemplateError(`Parameters: [${unknown.join(', ')}] do not exist in the template`)
  const filled = [...parameters].map(([id, one]) => [id, { ...one, value: given.get(id) ?? one.value }] as const)
  const missing = filled.filter(([, { value }]) => value === undefined).map(([id]) => id)
  if (missing.length > 0) throw new TemplateError(`Parameters: [${missing.join(', ')}] must have values`)
  for (const [id, { type, value = '', pattern, min }] of filled) {
    if (pattern?.test(value) === false)
      throw new TemplateError(`Parameter ${id} failed to satisfy constraint: must match its pattern`)
    if (type === 'Number' && !(value !== '' && Number(value) >= min))
      throw new TemplateError(`Parameter '${id}' must be a number not less than ${min}`)
  }
  return new Map(filled)
}
