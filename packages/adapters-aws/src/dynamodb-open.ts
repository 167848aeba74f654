import type { Store } from '@warmtoken/core'
import type { AwsCredentials, DynamoDBStoreOptions } from './dynamodb.ts'

type Environment = NonNullable<DynamoDBStoreOptions['environment']>

/** The credentials that Lambda gives a function; with SnapStart they are elsewhere, and the SDK finds them. */
const credentialsIn = (environment: Environment): AwsCredentials | undefined => {
  const {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: token,
  } = environment
  if (!accessKeyId || !secretAccessKey) return undefined
  return { accessKeyId, secretAccessKey, ...(token && { sessionToken: token }) }
}

/** The store's calls: by signed requests of our own where region and credentials are at hand, else through the SDK. */
export const openCalls = async (options: DynamoDBStoreOptions): Promise<Required<Omit<Store, 'name' | 'open'>>> => {
  const { environment = {} } = options
  const region = options.region ?? environment['AWS_REGION']
  const endpoint = options.endpoint ?? environment['AWS_ENDPOINT_URL_DYNAMODB'] ?? environment['AWS_ENDPOINT_URL']
  const place = { ...options, ...(region && { region }), ...(endpoint && { endpoint }) }
  // Asked for anew with every request, for a function may be handed the variables of a process that lives long.
  const { credentials = credentialsIn(environment) && (() => credentialsIn(environment)) } = options
  if (options.client === undefined && credentials !== undefined && region !== undefined) {
    return (await import('./dynamodb-lean.ts')).callsOf({ ...place, credentials })
  }
  return (await import('./dynamodb-sdk.ts')).callsOf(place)
}
