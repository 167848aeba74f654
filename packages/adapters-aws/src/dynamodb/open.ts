import type { StoreCalls } from '@warmtoken/core/adapter'
import { matches, storeFault, urlRule } from '@warmtoken/core/adapter'
import { loadFailed } from '../shared/load-failed.ts'
import type { AwsCredentials } from '../shared/sigv4.ts'
import { type Credentials, sendByHttps } from './by-https.ts'
import { sendBySdk, settingsOf } from './by-sdk.ts'
import type { Send } from './operations.ts'
import type { DynamoDBStoreOptions } from './options.ts'
import { makeCalls } from './store.ts'

type Env = NonNullable<DynamoDBStoreOptions['env']>

/** The store's calls. Made with the first of them. */
export async function openCalls(options: DynamoDBStoreOptions): Promise<Required<StoreCalls>> {
  return makeCalls(options.table, await openSender(options))
}

/**
 * Chooses what sends requests: our own signed requests when region, endpoint and credentials are known, else the SDK. FIPS
 * and dual-stack endpoints are left to the SDK, which knows where there are none.
 */
async function openSender(options: DynamoDBStoreOptions): Promise<Send> {
  const { client, agent, env = {} } = options
  const region = options.region ?? env['AWS_REGION']
  const configured = options.endpoint ?? (client === undefined ? endpointIn(env) : undefined)
  const credentials = options.credentials ?? credentialsIn(env)
  const variant = variantIn(env)
  const endpoint = configured || regionalEndpoint(region ?? '')
  const isPlain = client === undefined && variant === undefined
  if (isPlain && region !== undefined && endpoint !== undefined && credentials !== undefined) {
    return sendByHttps({ region, endpoint, credentials, agent })
  }
  const { commands, makeClient } = await import('./sdk.ts').catch(loadFailed)
  if (client !== undefined) return sendBySdk(typeof client === 'function' ? await client() : client, commands)
  const place = {
    ...(region && { region }),
    ...(configured && { endpoint: configured }),
    ...(credentials && { credentials }),
    ...(agent && { agent }),
  }
  return sendBySdk(makeClient(settingsOf({ ...place, ...variant })), commands)
}

/**
 * The credentials that Lambda gives a function, read again for each request, since the variables may be those of a process
 * that lives long. `undefined` when there are none: with SnapStart they are elsewhere, and the SDK finds them.
 */
function credentialsIn(env: Env): Credentials | undefined {
  const read = (): AwsCredentials | undefined => {
    const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN: token } = env
    if (!accessKeyId || !secretAccessKey) return undefined
    return { accessKeyId, secretAccessKey, ...(token && { sessionToken: token }) }
  }
  return read() && read
}

/** Regions by the domain of their services, from `partitions.json` of the AWS SDKs. The others are not public. */
const DOMAINS: readonly (readonly [regions: RegExp, domain: string])[] = [
  [/^(us|eu|ap|sa|ca|me|af|il|mx|us-gov)-\w+-\d+$/, 'amazonaws.com'],
  [/^cn-\w+-\d+$/, 'amazonaws.com.cn'],
]

/** The endpoint of DynamoDB in a region; `undefined` for a region that only the SDK knows. */
export function regionalEndpoint(region: string): string | undefined {
  const domain = DOMAINS.find(([regions]) => regions.test(region))?.[1]
  return domain === undefined ? undefined : `https://dynamodb.${region}.${domain}`
}

/** The endpoint in the environment, that of the service before that of all. Throws a fault when it is not a URL. */
function endpointIn(env: Env): string | undefined {
  const name = ['AWS_ENDPOINT_URL_DYNAMODB', 'AWS_ENDPOINT_URL'].find((one) => env[one] !== undefined) ?? ''
  const url = env[name]
  if (!url || urlRule[1](url)) return url
  throw storeFault(`DynamoDB: the environment variable ${name} is not an http(s) URL`, {
    code: 'STORE_REFUSED',
    retryable: false,
  })
}

/** What the environment asks for in place of the regional endpoint, as options of an SDK client. */
function variantIn(env: Env): { readonly useFipsEndpoint?: true; readonly useDualstackEndpoint?: true } | undefined {
  const fips = matches(env['AWS_USE_FIPS_ENDPOINT'], /^true$/i)
  const dualstack = matches(env['AWS_USE_DUALSTACK_ENDPOINT'], /^true$/i)
  if (!fips && !dualstack) return undefined
  return { ...(fips && { useFipsEndpoint: true }), ...(dualstack && { useDualstackEndpoint: true }) }
}
