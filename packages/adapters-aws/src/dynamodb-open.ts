import type { Store } from '@warmtoken/core'
import type { DynamoDBStoreOptions } from './dynamodb.ts'
import { credentialsIn } from './dynamodb-credentials.ts'
import { regionalEndpoint, variantIn } from './dynamodb-endpoint.ts'

/**
 * The store's calls: by signed requests of our own where region, endpoint and credentials are at hand, else through the
 * SDK. FIPS and dual-stack endpoints are the SDK's matter, which also knows where there are none.
 */
export const openCalls = async (options: DynamoDBStoreOptions): Promise<Required<Omit<Store, 'name' | 'open'>>> => {
  const { table, client, environment = {} } = options
  const region = options.region ?? environment['AWS_REGION']
  const configured = options.endpoint ?? environment['AWS_ENDPOINT_URL_DYNAMODB'] ?? environment['AWS_ENDPOINT_URL']
  const credentials = options.credentials ?? credentialsIn(environment)
  const variant = variantIn(environment)
  const endpoint = configured || regionalEndpoint(region ?? '')
  const isPlain = client === undefined && variant === undefined
  if (isPlain && region !== undefined && endpoint !== undefined && credentials !== undefined) {
    return (await import('./dynamodb-lean.ts')).callsOf({ table, region, endpoint, credentials })
  }
  const { callsBy, clientOf } = await import('./dynamodb-sdk.ts')
  if (client !== undefined) return callsBy(table, typeof client === 'function' ? await client() : client)
  const place = { ...(region && { region }), ...(configured && { endpoint: configured }) }
  return callsBy(table, clientOf({ ...place, ...variant, ...(credentials && { credentials }) }))
}
