import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb'

const client = new DynamoDBClient({ region: 'eu-central-1' })

/** What a handler would call. */
export function get(): Promise<unknown> {
  return client.send(new GetItemCommand({ TableName: 'tokens', Key: { pk: { S: 'key' } } }))
}
