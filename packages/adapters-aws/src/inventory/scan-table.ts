import { DynamoDBClient, ScanCommand, type ScanCommandOutput } from '@aws-sdk/client-dynamodb'
import { abortable, type Inventory, type InventoryPage, storeFault } from '@warmtoken/core/adapter'
import { remedyOf } from '../dynamodb/store.ts'
import { clientSettings } from '../shared/clients.ts'
import { awsFault } from '../shared/faults.ts'
import type { DynamoDBInventoryOptions } from './options.ts'

/** Items that one Scan evaluates. */
const PAGE = 500

type How = Parameters<Inventory['pages']>[0]

/** The pages of a table. */
export async function* scanTable(
  options: DynamoDBInventoryOptions,
  { signal, after }: How,
): AsyncIterable<InventoryPage> {
  const { table, client: given } = options
  const client = typeof given === 'function' ? await given() : (given ?? new DynamoDBClient(clientSettings(options)))
  let cursor = after
  do {
    const start = cursor === undefined ? undefined : { pk: { S: cursor } }
    const output = await scan(client, { table, start, signal })
    const items = output.Items ?? []
    const keys = items.flatMap(({ pk }) => (pk?.S === undefined ? [] : [pk.S]))
    // Every item has the hash key: one without it is in a table with another key.
    if (keys.length < items.length)
      throw storeFault(`DynamoDB table ${table}: its hash key is not "pk", a string; name the table of warmtoken`, {
        code: 'STORE_REFUSED',
        retryable: false,
      })
    cursor = output.LastEvaluatedKey?.['pk']?.S
    yield { keys, cursor }
  } while (cursor !== undefined)
  if (given === undefined) client.destroy()
}

interface Part {
  readonly table: string
  readonly start: { readonly pk: { readonly S: string } } | undefined
  readonly signal: AbortSignal
}

async function scan(client: DynamoDBClient, { table, start, signal }: Part): Promise<ScanCommandOutput> {
  try {
    const command = new ScanCommand({
      TableName: table,
      ProjectionExpression: '#pk',
      ExpressionAttributeNames: { '#pk': 'pk' },
      Limit: PAGE,
      ...(start && { ExclusiveStartKey: start }),
    })
    return await abortable(client.send(command, { abortSignal: signal }), signal)
  } catch (error) {
    throw awsFault(`DynamoDB table ${table}`, error, (one) => remedyOf(one, table, 'dynamodb:Scan'))
  }
}
