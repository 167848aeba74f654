import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb'
import { credentials, place, region, tokenIn } from '../signed.ts'

/** The token, by the SDK alone. */
export async function main(): Promise<string> {
  const { endpoint, table, key } = place()
  const client = new DynamoDBClient({ region, endpoint, credentials })
  const command = new GetItemCommand({ TableName: table, Key: { pk: { S: key } }, ConsistentRead: true })
  const { Item } = await client.send(command)
  return tokenIn(JSON.stringify({ Item }))
}
