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
async function senderOf(options: DynamoDBStoreOptions): Promise<Send> {
  const { client, env = {} } = options
  const region = options.region ?? env['AWS_REGION']
  const configured = options.endpoint ?? (client === undefined ? endpointIn(env) : undefined)
  const credentials = options.credentials ?? credentialsIn(env)
  const variant = variantIn(env)
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
export async function openCalls(options: DynamoDBStoreOptions): Promise<Required<Omit<Store, 'name' | 'open'>>> {
  return dynamoDBCalls(options.table, await senderOf(options))
}
