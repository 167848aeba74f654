import {
  BatchGetItemCommand,
  ConditionalCheckFailedException,
  DynamoDBClient,
  GetItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import type { Store } from '@warmtoken/core'
import { abortable, clientSettings } from './client.ts'
import { timeOf, watchDate } from './clock.ts'
import { watchDoubt } from './doubt.ts'
import type { DynamoDBStoreOptions } from './dynamodb.ts'
import { dynamoDBCalls } from './dynamodb-calls.ts'
import type { Inputs, Output, Send } from './dynamodb-send.ts'

/** The commands by their operations. All are sent alike, so one type stands for them. */
const COMMANDS: { readonly [Operation in keyof Inputs]: (input: Inputs[Operation]) => GetItemCommand } = {
  GetItem: (input) => new GetItemCommand(input),
  UpdateItem: (input) => new UpdateItemCommand(input) as never,
  BatchGetItem: (input) => new BatchGetItemCommand(input) as never,
}

/** The store's calls through the SDK. Loaded with the first of them. */
export const callsOf = async ({
  table,
  client: given,
  ...place
}: DynamoDBStoreOptions): Promise<Required<Omit<Store, 'name' | 'open'>>> => {
  const client = typeof given === 'function' ? await given() : (given ?? new DynamoDBClient(clientSettings(place)))
  watchDate(client)
  watchDoubt(client)

  const send: Send = async (operation, input, signal) => {
    try {
      const output: Output = await abortable(client.send(COMMANDS[operation](input), { abortSignal: signal }), signal)
      return { output, time: timeOf(output) }
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return { unmet: error.Item, time: timeOf(error) }
      throw error
    }
  }
  return dynamoDBCalls(table, send)
}
