import { randomUUID } from 'node:crypto'
import { arnOf } from './account.ts'
import { changeSetXml, eventXml, resourceXml, stackXml, summaryXml } from './describe.ts'
import { executeChanges, removeStack } from './execute.ts'
import { withValues } from './parameters.ts'
import { outputsChange, planChanges } from './plan.ts'
import { listOf, type Parameters, queryService, required } from './query.ts'
import { checkReferences } from './references.ts'
import { type Service, ServiceError } from './service.ts'
import { type ChangeSet, emptyStack, type Stack } from './stack.ts'
import { parseTemplate, type Template } from './template.ts'
import { TemplateError } from './template-error.ts'
import type { World } from './world.ts'

/** The stand-in for CloudFormation, and a look into it. */
export interface CloudFormation {
  readonly service: Service
  /** The stack of that name, deleted ones excepted. */
  stack(name: string): Stack | undefined
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
const MAX_BODY_BYTES = 51_200
const NO_CHANGES =
  "The submitted information didn't contain changes. Submit different information to create a change set."

/** Keeps stacks. What was started continues by one step each time someone asks for a stack's events. */
export function createCloudFormation(world: World): CloudFormation {
  const stacks = new Map<string, Stack>()
  const find = (parameters: Parameters): Stack => {
    const name = required(parameters, 'StackName')
    const stack = [...stacks.values()].find((one) => one.name === name || one.id === name)
    if (stack !== undefined) return stack
    throw new ServiceError('ValidationError', `Stack with id ${name} does not exist`)
  }
  const findOrBegin = (parameters: Parameters): Stack => {
    const name = required(parameters, 'StackName')
    const known = stacks.get(name)
    const creates = parameters.get('ChangeSetType') === 'CREATE'
    if (!creates) return find(parameters)
    if (known !== undefined) throw new ServiceError('AlreadyExistsException', `Stack [${name}] already exists`)
    const stack = emptyStack(name, pairsOf(parameters, 'Tags'))
    stacks.set(name, stack)
    return stack
  }
  const goOn = async (stack: Stack): Promise<void> => {
    await stack.work?.next()
    if (stack.status === 'DELETE_COMPLETE') stacks.delete(stack.name)
  }

  const service = queryService('http://cloudformation.amazonaws.com/doc/2010-05-15/', {
    ValidateTemplate: async (parameters) => {
      await templateOf(parameters, world)
      return {}
    },
    CreateChangeSet: async (parameters) => {
      const template = filled(await templateOf(parameters, world), parameters)
      requireCapabilities(parameters, template)
      const stack = findOrBegin(parameters)
      const changeSet = makeChangeSet(stack, template, parameters)
      stack.changeSets.set(changeSet.name, changeSet)
      return { Id: changeSet.id, StackId: stack.id }
    },
    DescribeChangeSet: (parameters) => changeSetXml(find(parameters), changeSetOf(find(parameters), parameters)),
    DeleteChangeSet: (parameters) => {
      find(parameters).changeSets.delete(required(parameters, 'ChangeSetName'))
      return {}
    },
    ExecuteChangeSet: (parameters) => {
      const stack = find(parameters)
      const changeSet = changeSetOf(stack, parameters)
      requireQuiet(stack)
      stack.changeSets.clear()
      stack.work = executeChanges(stack, changeSet, world)
      return {}
    },
    DescribeStacks: (parameters) => ({ Stacks: [stackXml(find(parameters))] }),
    DescribeStackEvents: async (parameters) => {
      const stack = find(parameters)
      await goOn(stack)
      return { StackEvents: stack.events.toReversed().map((event) => eventXml(stack, event)) }
    },
    DescribeStackResource: (parameters) => {
      const [stack, id] = [find(parameters), required(parameters, 'LogicalResourceId')]
      const resource = stack.resources.get(id)
      if (resource !== undefined) return { StackResourceDetail: resourceXml(stack, resource) }
      throw new ServiceError('ValidationError', `Resource ${id} does not exist for stack ${stack.name}`)
    },
    ListStackResources: (parameters) => ({
      StackResourceSummaries: [...find(parameters).resources.values()].map(summaryXml),
    }),
    GetTemplate: (parameters) => ({ TemplateBody: find(parameters).template?.body }),
    DeleteStack: (parameters) => {
      const stack = stacks.get(required(parameters, 'StackName'))
      if (stack === undefined) return {}
      requireQuiet(stack)
      stack.work = removeStack(stack, world)
      return {}
    },
  })
  return { service, stack: (name) => stacks.get(name) }
}

/** Reads and checks the template, whether it was sent or lies in a bucket; says what is wrong as CloudFormation does. */
async function templateOf(parameters: Parameters, world: World): Promise<Template> {
  try {
    const template = parseTemplate(await bodyOf(parameters, world))
    checkReferences(template)
    return template
  } catch (error) {
    if (error instanceof TemplateError) throw new ServiceError('ValidationError', error.message)
    throw error
  }
}

function filled(template: Template, parameters: Parameters): Template {
  try {
    return { ...template, parameters: withValues(template.parameters, pairsOf(parameters, 'Parameters', 'Parameter')) }
  } catch (error) {
    if (error instanceof TemplateError) throw new ServiceError('ValidationError', error.message)
    throw error
  }
}

async function bodyOf(parameters: Parameters, world: World): Promise<string> {
  const sent = parameters.get('TemplateBody')
  if (sent !== undefined && Buffer.byteLength(sent) > MAX_BODY_BYTES) {
    throw new ServiceError('ValidationError', `TemplateBody is larger than ${MAX_BODY_BYTES} bytes`)
  }
  if (sent !== undefined) return sent
  const url = URL.parse(required(parameters, 'TemplateURL'))
  const [, bucket, key] = /^\/([^/]+)\/(.+)$/.exec(decodeURIComponent(url?.pathname ?? '')) ?? []
  if (url?.hostname !== 's3.amazonaws.com' || bucket === undefined || key === undefined) {
    throw new ServiceError('ValidationError', 'TemplateURL must be the address of an object in Amazon S3.')
  }
  return await world.readText(bucket, key).catch(() => {
    throw new ServiceError('ValidationError', `S3 error: there is no ${key} in ${bucket}`)
  })
}

function requireCapabilities(parameters: Parameters, template: Template): void {
  const roles = [...template.resources.values()].filter(({ type }) => type === 'AWS::IAM::Role')
  const named = roles.some(({ properties }) => properties['RoleName'] !== undefined)
  const wanted = named ? 'CAPABILITY_NAMED_IAM' : 'CAPABILITY_IAM'
  if (roles.length === 0 || listOf(parameters, 'Capabilities').includes(wanted)) return
  throw new ServiceError('InsufficientCapabilitiesException', `Requires capabilities : [${wanted}]`)
}

function makeChangeSet(stack: Stack, template: Template, parameters: Parameters): ChangeSet {
  const name = required(parameters, 'ChangeSetName')
  const kind = parameters.get('ChangeSetType') === 'CREATE' ? 'CREATE' : 'UPDATE'
  const id = arnOf('cloudformation', `changeSet/${name}/${randomUUID()}`)
  try {
    const changes = planChanges(stack, template)
    const isEmpty = changes.length === 0 && !outputsChange(stack, template)
    const told = isEmpty
      ? ({ status: 'FAILED', reason: NO_CHANGES } as const)
      : ({ status: 'CREATE_COMPLETE', reason: undefined } as const)
    return { id, name, kind, template, changes, ...told }
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error
    return { id, name, kind, template, changes: [], status: 'FAILED', reason: error.message }
  }
}

function changeSetOf(stack: Stack, parameters: Parameters): ChangeSet {
  const name = required(parameters, 'ChangeSetName')
  const changeSet = stack.changeSets.get(name)
  if (changeSet === undefined) throw new ServiceError('ChangeSetNotFound', `ChangeSet [${name}] does not exist`, 404)
  return changeSet
}

function requireQuiet({ name, status }: Stack): void {
  if (!status.endsWith('_IN_PROGRESS') || status === 'REVIEW_IN_PROGRESS') return
  throw new ServiceError('ValidationError', `Stack:${name} is in ${status} state and can not be updated.`)
}

/** A list of pairs: `Tags.member.1.Key` and `Tags.member.1.Value`. `prefix` stands before both last names. */
function pairsOf(parameters: Parameters, list: string, prefix = ''): ReadonlyMap<string, string> {
  const form = new RegExp(`^${list}\\.member\\.(\\d+)\\.${prefix}Key$`)
  const pairs = [...parameters].flatMap(([name, key]) => {
    const number = form.exec(name)?.[1]
    return number === undefined ? [] : [[key, parameters.get(`${list}.member.${number}.${prefix}Value`) ?? ''] as const]
  })
  return new Map(pairs)
}
