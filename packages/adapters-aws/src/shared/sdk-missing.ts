import type { KeyFault } from '../kms/faults.ts'
import type { SourceFault } from './source-faults.ts'

type Facts<Fault extends Error> = Omit<Fault, keyof Error> & Pick<Fault, 'name'>

const STORE = { name: 'StoreFault', code: 'STORE_REFUSED', retryable: false } as const
const KEY: Facts<KeyFault> = { name: 'KeyFault', code: 'KEY_REFUSED', retryable: false }
/** Only this environment lacks it, so no other should be held back for long. */
function sourceFacts(code: string): Facts<SourceFault> {
  return {
    name: 'SourceUnavailableError',
    code,
    retryable: true,
    kind: 'unavailable',
    retryAfter: undefined,
    nothingDone: true,
  }
}
const SECRET = sourceFacts('SECRET_UNAVAILABLE')

/** Who needs a package of the SDK, by its name: what fails without it, and the alternative. */
const NEEDS: { readonly [name: string]: readonly [who: string, facts: object, orElse?: string] } = {
  '@aws-sdk/client-dynamodb': ['DynamoDB', STORE, ', or give region and credentials'],
  '@aws-sdk/client-s3': ['S3', STORE],
  '@aws-sdk/client-kms': ['KMS', KEY],
  '@aws-sdk/client-secrets-manager': ['Secrets Manager', SECRET],
  '@aws-sdk/client-ssm': ['Systems Manager', SECRET],
  '@aws-sdk/client-sts': ['STS', sourceFacts('SDK_MISSING')],
}

/**
 * The error for a module that could not be loaded. It names the package to install when one of the SDK is missing; any other
 * error is returned as it is.
 */
export function explain(error: unknown): unknown {
  const { code, message } = (error ?? {}) as { readonly code?: unknown; readonly message?: unknown }
  if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') return error
  // Node's text for an import and for a `require`; after it comes the importing file.
  const name = /^Cannot find (?:package|module) '([^']+)'/.exec(String(message))?.[1] ?? ''
  const need = Object.hasOwn(NEEDS, name) ? NEEDS[name] : undefined
  if (need === undefined) return error
  const [who, facts, orElse = ''] = need
  return Object.assign(new Error(`${who}: the package ${name} is not installed; install it${orElse}`), facts)
}
