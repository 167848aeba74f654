import { dynamoDBStore } from '@warmtoken/adapters-aws/dynamodb'
import { place, region } from '../signed.ts'
import { tokenFrom } from './token.ts'

/** The token by our store through the SDK, which finds the credentials in the environment. */
export function main(): Promise<string> {
  const { endpoint, table } = place()
  return tokenFrom(dynamoDBStore({ table, endpoint, region }))
}
