import type { Store } from '@warmtoken/core'
import type { DynamoDBStoreOptions } from './dynamodb.ts'
import { dynamoDBCalls } from './dynamodb-calls.ts'
import { sendBy, settingsOf } from './dynamodb-client.ts'
import { credentialsIn } from './dynamodb-credentials.ts'
import { endpointIn, regionalEndpoint, variantIn } from './dynamodb-endpoint.ts'
import { sendSigned } from './dynamodb-lean.ts'
import type { Send } from './dynamodb-send.ts'
import { loadFailed } from './load-failed.ts'

/**
 * What sends requests: signed by ourselves where region, endpoint and credentials are at hand, else the SDK. FIPS and
 * dual-stack endpoints are the SDK's matter, which also knows where there are none.
 */
const senderOf = async (options: DynamoDBStoreOptions): Promise<Send> => {
  const { client, environment = {} } = options
  const region = options.region ?? environment['AWS_REGION']
  const configured = options.endpoint ?? (client === undefined ? endpointIn(environment) : undefined)
  const credentials = options.credentials ?? credentialsIn(environment)
  const variant = variantIn(environment)
  const endpoint = configured || regionalEndpoint(region ?? '')
  const isPlain = client === undefined && variant === undefined
  if (isPlain && region !== undefined && endpoint !== undefined && credentials !== undefined) {
    return sendSigned({ region, endpoint, credentials })
  }
  const { commands, makeClient } = await import('./dynamodb-sdk.ts').catch(loadFailed)
  if (client !== undefined) return sendBy(typeof client === 'function' ? await client() : client, commands)
  const place = { ...(region && { region }), ...(configured && { endpoint: configured }) }
  return sendBy(makeClient(settingsOf({ ...place, ...variant, ...(credentials && { credentials }) })), commands)
}

/** The store's calls, once the first of them is made. */
export const openCalls = async (options: DynamoDBStoreOptions): Promise<Required<Omit<Store, 'name' | 'open'>>> =>
  dynamoDBCalls(options.table, await senderOf(options))
