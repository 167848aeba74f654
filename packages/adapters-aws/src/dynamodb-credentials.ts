import type { AwsCredentials, DynamoDBStoreOptions } from './dynamodb.ts'

/** Credentials, or what gives them. */
export type Credentials = NonNullable<DynamoDBStoreOptions['credentials']>

/** The credentials that Lambda gives a function; with SnapStart they are elsewhere, and the SDK finds them. */
function given(environment: Readonly<Record<string, string | undefined>>): AwsCredentials | undefined {
  const {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: token,
  } = environment
  if (!accessKeyId || !secretAccessKey) return undefined
  return { accessKeyId, secretAccessKey, ...(token && { sessionToken: token }) }
}

/**
 * What gives the credentials in the environment, if there are any. It looks anew each time, for a function may be handed
 * the variables of a process that lives long.
 */
export function credentialsIn(environment: NonNullable<DynamoDBStoreOptions['env']>): Credentials | undefined {
  return given(environment) && (() => given(environment))
}

/** The credentials of this moment. Rejects as the SDK does when there are none. */
export async function currentOf(credentials: Credentials): Promise<AwsCredentials> {
  const current = typeof credentials === 'function' ? await credentials() : credentials
  if (current !== undefined) return current
  throw Object.assign(new Error('there are no credentials'), { name: 'CredentialsProviderError' })
}
