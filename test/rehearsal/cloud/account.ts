/** The account of the rehearsal: the number that AWS uses in its own examples, and belongs to nobody. */
export const ACCOUNT = '123456789012'
export const REGION = 'us-east-1'
export const PARTITION = 'aws'
export const URL_SUFFIX = 'amazonaws.com'

/** The key pair of the user that deploys. */
export const DEPLOYER = { accessKeyId: 'AKIAREHEARSALDEPLOY1', secretAccessKey: 'rehearsal-only' } as const

/** An ARN of this account: `arnOf('lambda', 'function:x')`. */
export function arnOf(service: string, resource: string): string {
  return `arn:${PARTITION}:${service}:${REGION}:${ACCOUNT}:${resource}`
}

/** An ARN of a service that knows no regions. */
export function globalArnOf(service: string, resource: string): string {
  return `arn:${PARTITION}:${service}::${ACCOUNT}:${resource}`
}
