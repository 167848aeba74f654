import { arnOf } from '../cloud/account.ts'
import { isMapping, type Mapping, member } from '../cloud/value.ts'
import type { Asked } from './policy.ts'

/** The services that functions ask, by the name that requests are signed for. */
export type Service = 'dynamodb' | 'secretsmanager'

/** Operations on one table, which their input names by TableName. */
const ON_TABLE = [
  'DeleteItem',
  'DeleteTable',
  'DescribeContinuousBackups',
  'DescribeTable',
  'DescribeTimeToLive',
  'GetItem',
  'PutItem',
  'Query',
  'Scan',
  'UpdateItem',
  'UpdateTable',
  'UpdateTimeToLive',
]
/** Operations on several tables, whose names are the members of RequestItems. */
const ON_TABLES = ['BatchGetItem', 'BatchWriteItem']

/**
 * The rights that a request needs. For an operation that is not known here it is the right to do it on everything, which
 * no role should have.
 */
export function rightsFor(service: Service, operation: string, body: string): readonly Asked[] {
  const action = `${service}:${operation}`
  const input = parse(body)
  if (service === 'secretsmanager') return [{ action, resource: secretArn(member(input, 'SecretId')) }]
  if (ON_TABLE.includes(operation)) return [{ action, resource: tableArn(member(input, 'TableName')) }]
  const items = member(input, 'RequestItems')
  if (ON_TABLES.includes(operation) && isMapping(items)) {
    return Object.keys(items).map((name) => ({ action, resource: tableArn(name) }))
  }
  return [{ action, resource: '*' }]
}

/** A table may be named by its ARN too. */
function tableArn(name: unknown): string {
  if (typeof name !== 'string' || name === '') return '*'
  return name.startsWith('arn:') ? name : arnOf('dynamodb', `table/${name}`)
}

/** What a mere name leads to cannot be known from it: the ARN has six random characters behind it. */
function secretArn(id: unknown): string {
  return typeof id === 'string' && id.startsWith('arn:') ? id : '*'
}

function parse(body: string): Mapping {
  try {
    const input: unknown = JSON.parse(body)
    return isMapping(input) ? input : {}
  } catch {
    return {}
  }
}
