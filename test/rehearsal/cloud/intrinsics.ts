import { ACCOUNT, PARTITION, REGION, URL_SUFFIX } from './account.ts'
import { TemplateError } from './template-error.ts'
import { isList, isMapping, type Mapping, type Value } from './value.ts'

/** What the names in a template stand for; each throws TemplateError for a name that is not there. */
export interface Scope {
  /** What `Ref` to a resource gives. */
  ref(logicalId: string): string
  /** What `Fn::GetAtt` of a resource gives. */
  attribute(logicalId: string, name: string): string
  /** The stack that the pseudo parameters report. */
  readonly stack: { readonly name: string; readonly id: string }
}

/** Puts in what the functions of a template stand for. Throws TemplateError for a function that is not known here. */
export function resolve(value: Value, scope: Scope): Value {
  if (isList(value)) return value.map((one) => resolve(one, scope))
  if (!isMapping(value)) return value
  const [name = '', ...others] = Object.keys(value)
  const isFunction = others.length === 0 && (name === 'Ref' || name.startsWith('Fn::'))
  if (isFunction) return call(name, value[name] ?? null, scope)
  return Object.fromEntries(Object.entries(value).map(([member, inner]) => [member, resolve(inner, scope)]))
}

function call(name: string, argument: Value, scope: Scope): Value {
  if (name === 'Ref' && typeof argument === 'string') return refer(argument, scope)
  if (name === 'Fn::GetAtt') return getAtt(argument, scope)
  if (name === 'Fn::Join') return join(argument, scope)
  if (name === 'Fn::Sub') return substitute(argument, scope)
  throw new TemplateError(`The function ${name}, as it is used here, is not known to this rehearsal`)
}

const PSEUDO = {
  'AWS::AccountId': ACCOUNT,
  'AWS::Partition': PARTITION,
  'AWS::Region': REGION,
  'AWS::URLSuffix': URL_SUFFIX,
} as const

function refer(name: string, scope: Scope): string {
  if (name === 'AWS::StackName') return scope.stack.name
  if (name === 'AWS::StackId') return scope.stack.id
  const [, value] = Object.entries(PSEUDO).find(([pseudo]) => pseudo === name) ?? []
  return value ?? scope.ref(name)
}

function getAtt(argument: Value, scope: Scope): string {
  const parts = typeof argument === 'string' ? argument.split('.') : argument
  if (!isList(parts)) throw new TemplateError('Fn::GetAtt needs a name and an attribute')
  const [name, ...attribute] = parts
  if (typeof name !== 'string' || !attribute.every((part) => typeof part === 'string') || attribute.length === 0) {
    throw new TemplateError('Fn::GetAtt needs a name and an attribute')
  }
  return scope.attribute(name, attribute.join('.'))
}

function join(argument: Value, scope: Scope): string {
  const [delimiter, parts] = isList(argument) ? argument : []
  if (typeof delimiter !== 'string' || !isList(parts)) throw new TemplateError('Fn::Join needs a delimiter and a list')
  return parts.map((part) => scalar(resolve(part, scope), 'Fn::Join')).join(delimiter)
}

function substitute(argument: Value, scope: Scope): string {
  const [text, variables = {}] = isList(argument) ? argument : [argument]
  if (typeof text !== 'string' || !isMapping(variables)) throw new TemplateError('Fn::Sub needs a text')
  return text.replace(/\$\{([^}]*)\}/g, (_whole, inner: string) => {
    if (inner.startsWith('!')) return `\${${inner.slice(1)}}`
    return substitution(inner.trim(), variables, scope)
  })
}

function substitution(name: string, variables: Mapping, scope: Scope): string {
  const given = variables[name]
  if (given !== undefined) return scalar(resolve(given, scope), 'Fn::Sub')
  return name.includes('.') ? getAtt(name, scope) : refer(name, scope)
}

function scalar(value: Value, where: string): string {
  if (typeof value === 'string' || typeof value === 'number') return String(value)
  throw new TemplateError(`${where} can put together texts only`)
}
