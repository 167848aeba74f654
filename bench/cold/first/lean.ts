import { dynamoDBStore } from '@warmtoken/adapters-aws/dynamodb'
import { credentials, place, region } from '../signed.ts'
import { tokenFrom } from './token.ts'

/** The token by our store, which signs its requests itself. */
export function main(): Promise<string> {
  const { endpoint, table } = place()
  return tokenFrom(dynamoDBStore({ table, endpoint, region, credentials }))
}
