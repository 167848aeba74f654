import { ACCOUNT } from '../cloud/account.ts'
import type { Stack, StackResource } from '../cloud/stack.ts'
import { isList, member, memberAt, textsOf } from '../cloud/value.ts'
import { parsePolicy, type Statement } from './policy.ts'

/** The role that a function runs as. */
export interface Role {
  readonly name: string
  readonly statements: readonly Statement[]
  /** Who the function is to other services. */
  readonly principal: string
}

/**
 * Reads the role of a deployed function from its stack, as it stands there now.
 *
 * @throws Error when the function has none, Lambda may not take it on, or it cannot be judged here
 */
export function roleOf(stack: Stack, functionName: string): Role {
  const resources = [...stack.resources.values()]
  const deployed = resources.find(({ type, physicalId }) => isFunction(type) && physicalId === functionName)
  const arn = member(deployed?.properties, 'Role')
  const name = typeof arn === 'string' ? (arn.split('/').at(-1) ?? '') : ''
  const role = resources.find(({ type, physicalId }) => type === 'AWS::IAM::Role' && physicalId === name)
  if (role === undefined) throw new Error(`${functionName} has no role of this stack`)
  if (!isForLambda(role)) throw new Error(`Lambda may not assume the role ${name}`)
  return roleFrom(role, functionName)
}

/** Reads a role of a stack by its name in the template. Throws when there is none, or it cannot be judged here. */
export function roleNamed(stack: Stack, logicalId: string): Role {
  const role = stack.resources.get(logicalId)
  if (role?.type !== 'AWS::IAM::Role') throw new Error(`There is no role ${logicalId} in ${stack.name}`)
  return roleFrom(role, 'rehearsal')
}

function roleFrom({ physicalId: name, properties }: StackResource, session: string): Role {
  const managed = textsOf(properties['ManagedPolicyArns'] ?? []) ?? ['a list that is none']
  const strange = managed.filter((arn) => !isBasicExecution(arn))
  // What these hold is not in the template.
  if (strange.length > 0)
    throw new Error(`${name} has ManagedPolicyArns that cannot be judged here: ${strange.join(', ')}`)
  if (properties['PermissionsBoundary'] !== undefined)
    throw new Error(`${name} has PermissionsBoundary, which cannot be judged here`)
  const policies = properties['Policies']
  const documents = isList(policies) ? policies.map((policy) => member(policy, 'PolicyDocument')) : []
  const principal = `arn:aws:sts::${ACCOUNT}:assumed-role/${name}/${session}`
  return { name, statements: documents.flatMap(parsePolicy), principal }
}

/** Lambda's own policy grants the writing of logs and nothing else, and no log is written here. */
function isBasicExecution(arn: string): boolean {
  return arn === 'arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole'
}

function isFunction(type: string): boolean {
  return type === 'AWS::Lambda::Function'
}

function isForLambda({ properties }: StackResource): boolean {
  const statements = memberAt(properties, 'AssumeRolePolicyDocument', 'Statement')
  return (isList(statements) ? statements : [statements]).some((statement) => {
    const services = textsOf(memberAt(statement, 'Principal', 'Service'))
    const actions = textsOf(member(statement, 'Action'))
    const isAllowed = member(statement, 'Effect') === 'Allow'
    return (
      isAllowed && services?.includes('lambda.amazonaws.com') === true && actions?.includes('sts:AssumeRole') === true
    )
  })
}
