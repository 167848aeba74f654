import { fault } from './failure.ts'

/** Regions by the domain of their services, as `partitions.json` of the AWS SDKs has it. The others are not public. */
const DOMAINS: readonly (readonly [regions: RegExp, domain: string])[] = [
  [/^(us|eu|ap|sa|ca|me|af|il|mx|us-gov)-\w+-\d+$/, 'amazonaws.com'],
  [/^cn-\w+-\d+$/, 'amazonaws.com.cn'],
]

/** Where DynamoDB answers in a region; `undefined` for a region that only the SDK can tell of. */
export function regionalEndpoint(region: string): string | undefined {
  const domain = DOMAINS.find(([regions]) => regions.test(region))?.[1]
  return domain === undefined ? undefined : `https://dynamodb.${region}.${domain}`
}

/** The endpoint that the environment names, the service's own before that of all. Throws a fault for one that is no URL. */
export function endpointIn(environment: Readonly<Record<string, string | undefined>>): string | undefined {
  const name = ['AWS_ENDPOINT_URL_DYNAMODB', 'AWS_ENDPOINT_URL'].find((one) => environment[one] !== undefined) ?? ''
  const url = environment[name]
  if (!url || (/^https?:/i.test(url) && URL.canParse(url))) return url
  const message = `DynamoDB: the environment variable ${name} is no http(s) URL`
  throw fault(message, { code: 'STORE_REFUSED', retryable: false })
}

/** Which other endpoints than the regional one are wanted, as options of an SDK client. */
export interface Variant {
  readonly useFipsEndpoint?: true
  readonly useDualstackEndpoint?: true
}

function isOn(flag: string | undefined): boolean {
  return flag?.toLowerCase() === 'true'
}

/** What the environment says of other endpoints; `undefined` when nothing. */
export function variantIn({
  AWS_USE_FIPS_ENDPOINT: fips,
  AWS_USE_DUALSTACK_ENDPOINT: dualstack,
}: Readonly<Record<string, string | undefined>>): Variant | undefined {
  if (!isOn(fips) && !isOn(dualstack)) return undefined
  return { ...(isOn(fips) && { useFipsEndpoint: true }), ...(isOn(dualstack) && { useDualstackEndpoint: true }) }
}
