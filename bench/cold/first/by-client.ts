import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { dynamoDBStore } from '@warmtoken/adapters-aws/dynamodb'
import { credentials, place, region } from '../signed.ts'
import { tokenFrom } from './token.ts'

/** The token by our store with a client that is handed in. */
export function main(): Promise<string> {
  const { endpoint, table } = place()
  return tokenFrom(dynamoDBStore({ table, client: new DynamoDBClient({ region, endpoint, credentials }) }))
}
