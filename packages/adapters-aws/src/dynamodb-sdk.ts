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
import { dynamoDBCalls } from './dynamodb-calls.ts'
import { type Credentials, currentOf } from './dynamodb-credentials.ts'
import type { Variant } from './dynamodb-endpoint.ts'
import type { Inputs, Output, Send } from './dynamodb-send.ts'

/** The commands by their operations. All are sent alike, so one type stands for them. */
const COMMANDS: { readonly [Operation in keyof Inputs]: (input: Inputs[Operation]) => GetItemCommand } = {
  GetItem: (input) => new GetItemCommand(input),
  UpdateItem: (input) => new UpdateItemCommand(input) as never,
  BatchGetItem: (input) => new BatchGetItemCommand(input) as never,
}

interface ClientPlace extends Variant {
  readonly region?: string
  readonly endpoint?: string
  readonly credentials?: Credentials
}

/** A client of our own making. */
export const clientOf = ({ region, endpoint, credentials, ...variant }: ClientPlace): DynamoDBClient => {
  const place = { ...(region !== undefined && { region }), ...(endpoint !== undefined && { endpoint }) }
  if (credentials === undefined) return new DynamoDBClient({ ...clientSettings(place), ...variant })
  // The SDK keeps what is given without an end for good: with one in the past it asks with every request.
  const asked = async () => ({ ...(await currentOf(credentials)), expiration: new Date(0) })
  return new DynamoDBClient({ ...clientSettings(place), ...variant, credentials: asked })
}

/** The store's calls through the SDK. Loaded with the first of them. */
export const callsBy = (table: string, client: DynamoDBClient): Required<Omit<Store, 'name' | 'open'>> => {
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
