/** Regions by the domain of their services, as `partitions.json` of the AWS SDKs has it. The others are not public. */
const DOMAINS: readonly (readonly [regions: RegExp, domain: string])[] = [
  [/^(us|eu|ap|sa|ca|me|af|il|mx|us-gov)-\w+-\d+$/, 'amazonaws.com'],
  [/^cn-\w+-\d+$/, 'amazonaws.com.cn'],
]

/** Where DynamoDB answers in a region; `undefined` for a region that only the SDK can tell of. */
export const regionalEndpoint = (region: string): string | undefined => {
  const domain = DOMAINS.find(([regions]) => regions.test(region))?.[1]
  return domain === undefined ? undefined : `https://dynamodb.${region}.${domain}`
}

/** Which other endpoints than the regional one are wanted, as options of an SDK client. */
export interface Variant {
  readonly useFipsEndpoint?: true
  readonly useDualstackEndpoint?: true
}

const isOn = (flag: string | undefined): boolean => flag?.toLowerCase() === 'true'

/** What the environment says of other endpoints; `undefined` when nothing. */
export const variantIn = ({
  AWS_USE_FIPS_ENDPOINT: fips,
  AWS_USE_DUALSTACK_ENDPOINT: dualstack,
}: Readonly<Record<string, string | undefined>>): Variant | undefined => {
  if (!isOn(fips) && !isOn(dualstack)) return undefined
  return { ...(isOn(fips) && { useFipsEndpoint: true }), ...(isOn(dualstack) && { useDualstackEndpoint: true }) }
}
