/**
 * All that is taken of the SDK. It imports nothing else: what the store shared with it would be one more file of a bundle,
 * which a new environment reads whether it needs the SDK or not.
 *
 * @module
 */

import {
  BatchGetItemCommand,
  DynamoDBClient,
  type DynamoDBClientConfig,
  GetItemCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb'
import type { Inputs } from './dynamodb-send.ts'

/** Makes the command of each operation. All are sent alike, so one type stands for them. */
export type Commands = { readonly [Operation in keyof Inputs]: (input: Inputs[Operation]) => GetItemCommand }

/** The commands by their operations. */
export const commands: Commands = {
  GetItem: (input) => new GetItemCommand(input),
  UpdateItem: (input) => new UpdateItemCommand(input) as never,
  BatchGetItem: (input) => new BatchGetItemCommand(input) as never,
}

/** Makes a client. */
export function makeClient(settings: DynamoDBClientConfig): DynamoDBClient {
  return new DynamoDBClient(settings)
}
