import type { DynamoDBClient, DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'
import { abortable, clientSettings } from './client.ts'
import { timeOf, watchDate } from './clock.ts'
import { watchDoubt } from './doubt.ts'
import { type Credentials, currentOf } from './dynamodb-credentials.ts'
import type { Variant } from './dynamodb-endpoint.ts'
import type { Commands } from './dynamodb-sdk.ts'
import type { Item, Output, Send } from './dynamodb-send.ts'
import { sdkError } from './sdk-error.ts'

interface ClientPlace extends Variant {
  readonly region?: string
  readonly endpoint?: string
  readonly credentials?: Credentials
}

/** The settings of a client of our own making. */
export function settingsOf({ credentials, ...place }: ClientPlace): DynamoDBClientConfig {
  const settings = { ...place, ...clientSettings(place) }
  if (credentials === undefined) return settings
  // The SDK keeps what is given without an end for good: with one in the past it asks with every request.
  return { ...settings, credentials: async () => ({ ...(await currentOf(credentials)), expiration: new Date(0) }) }
}

/** What the SDK throws when a condition did not hold, by its name: a client that is handed in may be of another copy. */
function isUnmet(error: unknown): error is { readonly Item?: Item } {
  return sdkError(error).name === 'ConditionalCheckFailedException'
}

/** Sends through a client of the SDK. */
export function sendBy(client: DynamoDBClient, commands: Commands): Send {
  watchDate(client)
  watchDoubt(client)
  return async (operation, input, signal) => {
    try {
      const output: Output = await abortable(client.send(commands[operation](input), { abortSignal: signal }), signal)
      return { output, time: timeOf(output) }
    } catch (error) {
      if (isUnmet(error)) return { unmet: error.Item, time: timeOf(error) }
      throw error
    }
  }
}
