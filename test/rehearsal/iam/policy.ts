import { isList, isMapping, type Mapping, textsOf, type Value } from '../cloud/value.ts'

/** One statement of a policy that belongs to a role. */
export interface Statement {
  readonly effect: 'Allow' | 'Deny'
  readonly actions: readonly string[]
  readonly resources: readonly string[]
  /** What must stand in the context of a request, by the key of a condition. All must hold. */
  readonly equals?: ReadonlyMap<string, readonly string[]>
}

/** A right that is asked for: `dynamodb:GetItem` on the ARN of a table. */
export interface Asked {
  readonly action: string
  readonly resource: string
  /** What conditions ask about, such as the encryption context of KMS. */
  readonly context?: Readonly<Record<string, string>>
}

const MAX_STATEMENTS = 200
const MEMBERS = ['Sid', 'Effect', 'Action', 'Resource', 'Condition']

/**
 * Parses a policy document. What it does not know (conditions other than StringEquals, NotAction, NotResource) it refuses: a
 * rehearsal that leaves a condition out would grant more than AWS does.
 *
 * @throws Error that says what is wrong
 */
export function parsePolicy(document: Value | undefined): readonly Statement[] {
  if (!isMapping(document)) throw new Error('The policy document is not an object')
  const { Version: version, Statement: statement = [] } = document
  if (version !== undefined && version !== '2012-10-17') throw new Error('The policy has an old Version')
  const statements = isList(statement) ? statement : [statement]
  if (statements.length > MAX_STATEMENTS) throw new Error(`The policy has more than ${MAX_STATEMENTS} statements`)
  return statements.map(parseStatement)
}

function parseStatement(value: Value): Statement {
  if (!isMapping(value)) throw new Error('A statement is not an object')
  const unknown = Object.keys(value).filter((name) => !MEMBERS.includes(name))
  if (unknown.length > 0) throw new Error(`A statement has ${unknown.join(', ')}, which this rehearsal cannot judge`)
  const effect = value['Effect']
  if (effect !== 'Allow' && effect !== 'Deny') throw new Error('The Effect of a statement is neither Allow nor Deny')
  const statement = { effect, actions: textsIn(value, 'Action'), resources: textsIn(value, 'Resource') } as const
  return value['Condition'] === undefined ? statement : { ...statement, equals: parseCondition(value['Condition']) }
}

function parseCondition(value: Value): ReadonlyMap<string, readonly string[]> {
  const operators = isMapping(value) ? Object.keys(value) : []
  const equals = isMapping(value) ? value['StringEquals'] : undefined
  if (operators.join() !== 'StringEquals' || !isMapping(equals))
    throw new Error(`A statement has a Condition with ${operators.join(', ')}, which this rehearsal cannot judge`)
  return new Map(Object.keys(equals).map((key) => [key, textsIn(equals, key)]))
}

function textsIn(value: Mapping, name: string): readonly string[] {
  const texts = value[name] === undefined ? undefined : textsOf(value[name])
  if (texts === undefined || texts.length === 0)
    throw new Error(`The ${name} of a statement is not a string or a list of strings`)
  return texts
}

/** Whether the statements grant what is asked: something allows it and nothing denies it. */
export function allows(statements: readonly Statement[], asked: Asked): boolean {
  const applying = statements.filter(({ actions, resources, equals = new Map() }) => {
    // Names of actions are the same in upper and lower case, ARNs are not.
    const isAction = actions.some((pattern) => matches(pattern.toLowerCase(), asked.action.toLowerCase()))
    const holds = [...equals].every(([key, values]) => values.includes(asked.context?.[key]))
    return isAction && holds && resources.some((pattern) => matches(pattern, asked.resource))
  })
  return applying.some(({ effect }) => effect === 'Allow') && applying.every(({ effect }) => effect === 'Allow')
}

/** `*` stands for any characters, `?` for one. */
function matches(pattern: string, text: string): boolean {
  const expression = pattern
    .replace(/[.+^${}()|[\]\\/-]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${expression}$`, 's').test(text)
}
