import type { Agent } from 'node:http'
import type { DynamoDBClient, DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'
import { abortable, mayHaveBeenApplied } from '@warmtoken/core/adapter'
import { clientSettings, timeOf, watchAmbiguous, watchDate } from '../shared/clients.ts'
import { sdkError } from '../shared/sdk-error.ts'
import { type Credentials, currentOf } from './by-https.ts'
import type { Item, Output, Send } from './operations.ts'
import type { Commands } from './sdk.ts'

/** Where a client finds the table, by what right and by which way. */
export interface ClientPlace {
  readonly region?: string
  readonly endpoint?: string
  readonly credentials?: Credentials
  readonly agent?: Agent
  readonly useFipsEndpoint?: true
  readonly useDualstackEndpoint?: true
}

/** The settings of a client that this package makes. */
export function settingsOf({ credentials, agent, ...place }: ClientPlace): DynamoDBClientConfig {
  const settings = { ...place, ...clientSettings({ ...place, ...(agent && { agent }) }) }
  if (credentials === undefined) return settings
  // The SDK keeps credentials without an expiry for good. With one in the past it asks for every request.
  return { ...settings, credentials: async () => ({ ...(await currentOf(credentials)), expiration: new Date(0) }) }
}

/** Sends through a client of the SDK. */
export function sendBySdk(client: DynamoDBClient, commands: Commands): Send {
  watchDate(client)
  watchAmbiguous(client)
  return async (operation, input, signal) => {
    try {
      const output: Output = await abortable(client.send(commands[operation](input), { abortSignal: signal }), signal)
      return { outcome: 'done', output, time: timeOf(output) }
    } catch (error) {
      if (isUnmet(error))
        return { outcome: 'unmet', item: error.Item, time: timeOf(error), isOpen: mayHaveBeenApplied(error) }
      throw error
    }
  }
}

/** What the SDK throws when a condition did not hold, by its name: a client that is handed in may be of another copy. */
function isUnmet(error: unknown): error is { readonly Item?: Item } {
  return sdkError(error).name === 'ConditionalCheckFailedException'
}
