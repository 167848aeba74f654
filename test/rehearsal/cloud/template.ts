import { type Parameter, parseParameter } from './parameters.ts'
import { TemplateError } from './template-error.ts'
import { isMapping, type Mapping, memberAt, textsOf, type Value } from './value.ts'
import { parseYaml } from './yaml.ts'

/** One resource of a template, as it is written. */
export interface Resource {
  readonly type: string
  readonly properties: Mapping
  readonly dependsOn: readonly string[]
  readonly deletionPolicy: string | undefined
  readonly updateReplacePolicy: string | undefined
}

/** One output of a template. */
export interface Output {
  readonly value: Value
  readonly exportName: Value | undefined
}

/** A template that was parsed; its references are not looked at yet. */
export interface Template {
  readonly parameters: ReadonlyMap<string, Parameter>
  readonly resources: ReadonlyMap<string, Resource>
  readonly outputs: ReadonlyMap<string, Output>
  /** As it was sent. */
  readonly body: string
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
const MAX_BYTES = 1024 * 1024
const MAX_RESOURCES = 500
const MAX_OUTPUTS = 200
const MAX_PARAMETERS = 200
const MAX_DEPTH = 40
const LOGICAL_ID = /^[a-zA-Z0-9]{1,255}$/
const POLICIES = ['Delete', 'Retain', 'RetainExceptOnCreate', 'Snapshot']

const SECTIONS = ['AWSTemplateFormatVersion', 'Description', 'Metadata', 'Parameters', 'Resources', 'Outputs']
const MEMBERS = ['Type', 'Properties', 'DependsOn', 'DeletionPolicy', 'UpdateReplacePolicy', 'Metadata']

/**
 * Parses a template in JSON or YAML. What it does not know (conditions, mappings, transforms) it refuses: a rehearsal that
 * skips a section would vouch for what it has not seen.
 *
 * @throws TemplateError
 */
export function parseTemplate(body: string): Template {
  if (Buffer.byteLength(body) > MAX_BYTES) throw new TemplateError(`The template is larger than ${MAX_BYTES} bytes`)
  const root = /^\s*\{/.test(body) ? parseJson(body) : parseYaml(body)
  if (!isMapping(root)) throw new TemplateError('The template is not an object')
  checkDepth(root, 0)
  checkMembers(root, SECTIONS, 'the template')
  const resources = entriesOf(root, 'Resources', MAX_RESOURCES)
  if (resources.length === 0) throw new TemplateError('At least one Resources member must be defined.')
  const parameters = entriesOf(root, 'Parameters', MAX_PARAMETERS)
  return {
    parameters: new Map(parameters.map(([id, value]) => [id, parseParameter(id, value)])),
    resources: new Map(resources.map(([id, value]) => [id, parseResource(id, value)])),
    outputs: new Map(entriesOf(root, 'Outputs', MAX_OUTPUTS).map(([id, value]) => [id, parseOutput(id, value)])),
    body,
  }
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    throw new TemplateError('Template format error: JSON not well-formed.')
  }
}

function checkDepth(value: Value, depth: number): void {
  if (depth > MAX_DEPTH) throw new TemplateError(`The template is nested more than ${MAX_DEPTH} deep`)
  if (typeof value !== 'object' || value === null) return
  for (const inner of Object.values(value)) checkDepth(inner, depth + 1)
}

function checkMembers(value: Mapping, known: readonly string[], where: string): void {
  const unknown = Object.keys(value).filter((name) => !known.includes(name))
  if (unknown.length > 0)
    throw new TemplateError(`${where} has ${unknown.join(', ')}, which this rehearsal does not know`)
}

function entriesOf(root: Mapping, section: string, limit: number): readonly (readonly [string, Value])[] {
  const found = root[section] ?? {}
  if (!isMapping(found)) throw new TemplateError(`${section} is not an object`)
  const entries = Object.entries(found)
  if (entries.length > limit) throw new TemplateError(`${section} has more than ${limit} members`)
  const bad = entries.find(([id]) => !LOGICAL_ID.test(id))
  if (bad) throw new TemplateError(`${section} name ${JSON.stringify(bad[0])} is non alphanumeric.`)
  return entries
}

function parseResource(id: string, value: Value): Resource {
  if (!isMapping(value)) throw new TemplateError(`The resource ${id} is not an object`)
  checkMembers(value, MEMBERS, `The resource ${id}`)
  const { Type: type, Properties: properties = {} } = value
  const dependsOn = value['DependsOn'] === undefined ? [] : textsOf(value['DependsOn'])
  if (typeof type !== 'string') throw new TemplateError(`The resource ${id} has no Type`)
  if (!isMapping(properties)) throw new TemplateError(`The Properties of ${id} are no object`)
  if (dependsOn === undefined) throw new TemplateError(`DependsOn of ${id} is neither a name nor a list of names`)
  return {
    type,
    properties,
    dependsOn,
    deletionPolicy: policyOf(id, value, 'DeletionPolicy'),
    updateReplacePolicy: policyOf(id, value, 'UpdateReplacePolicy'),
  }
}

function policyOf(id: string, value: Mapping, name: string): string | undefined {
  const policy = value[name]
  if (policy === undefined) return undefined
  if (typeof policy === 'string' && POLICIES.includes(policy)) return policy
  throw new TemplateError(`${name} of ${id} must be one of ${POLICIES.join(', ')}`)
}

function parseOutput(id: string, value: Value): Output {
  if (!isMapping(value) || value['Value'] === undefined) throw new TemplateError(`The output ${id} has no Value`)
  checkMembers(value, ['Description', 'Value', 'Export'], `The output ${id}`)
  return { value: value['Value'], exportName: memberAt(value, 'Export', 'Name') }
}
