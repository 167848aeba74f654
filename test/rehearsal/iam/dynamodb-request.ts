import { arnOf } from '../cloud/account.ts'
import { isMapping, type Mapping, member } from '../cloud/value.ts'
import type { Asked } from './policy.ts'

/** Operations on one table, which their input names by TableName. */
const ON_TABLE = [
  'DeleteItem',
  'DeleteTable',
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
 * The rights that a request to DynamoDB needs. For an operation that is not known here it is the right to do it on
 * everything, which no role should have.
 */
export function rightsFor(operation: string, body: string): readonly Asked[] {
  const action = `dynamodb:${operation}`
  const input = parse(body)
  if (ON_TABLE.includes(operation)) return [{ action, resource: tableArn(member(input, 'TableName')) }]
  const items = member(input, 'RequestItems')
  if (ON_TABLES.includes(operation) && isMapping(items)) {
    return Object.keys(items).map((name) => ({ action, resource: tableArn(name) }))
  }
  return [{ action, resource: '*' }]
}

/** A table may be named by its ARN too. */
const tableArn = (name: unknown): string => {
  if (typeof name !== 'string' || name === '') return '*'
  return name.startsWith('arn:') ? name : arnOf('dynamodb', `table/${name}`)
}

function parse(body: string): Mapping {
  try {
    const input: unknown = JSON.parse(body)
    return isMapping(input) ? input : {}
  } catch {
    return {}
  }
}
