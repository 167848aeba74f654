/**
 * All that is taken from the SDK, by name, so that a bundler leaves out the rest. It imports nothing else: what the store
 * shared with it would be one more file of a bundle, and a new environment reads that with or without the SDK.
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
import type { Inputs } from './operations.ts'

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
