import type { KeyFault } from './kms-failure.ts'
import type { SourceFault } from './source-fault.ts'

type Facts<Fault extends Error> = Omit<Fault, keyof Error> & Pick<Fault, 'name'>

const STORE = { name: 'StoreFault', code: 'STORE_REFUSED', retryable: false } as const
const KEY: Facts<KeyFault> = { name: 'KeyFault', code: 'KEY_REFUSED', retryable: false }
/** This environment alone lacks it, so no other is to be held back for long. */
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

/** Who needs a package of the SDK, by its name: what fails then, and what else there is to do. */
const NEEDS: { readonly [name: string]: readonly [who: string, facts: object, orElse?: string] } = {
  '@aws-sdk/client-dynamodb': ['DynamoDB', STORE, ', or give region and credentials'],
  '@aws-sdk/client-s3': ['S3', STORE],
  '@aws-sdk/client-kms': ['KMS', KEY],
  '@aws-sdk/client-secrets-manager': ['Secrets Manager', SECRET],
  '@aws-sdk/client-ssm': ['Systems Manager', SECRET],
  '@aws-sdk/client-sts': ['STS', sourceFacts('SDK_MISSING')],
}

/**
 * What to say of a module that could not be loaded: the package to install, where one of the SDK is not there, else the
 * error itself. It imports nothing at run time: what the adapters shared with it would be one more file of a bundle.
 */
export function explain(error: unknown): unknown {
  const { code, message } = (error ?? {}) as { readonly code?: unknown; readonly message?: unknown }
  if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') return error
  // In Node's words, of an import and of a `require`; what follows them is who asked for it.
  const name = /^Cannot find (?:package|module) '([^']+)'/.exec(String(message))?.[1] ?? ''
  const need = Object.hasOwn(NEEDS, name) ? NEEDS[name] : undefined
  if (need === undefined) return error
  const [who, facts, orElse = ''] = need
  return Object.assign(new Error(`${who}: the package ${name} is not installed; install it${orElse}`), facts)
}
