import { WarmTokenError } from '../errors.ts'

/**
 * A lease was not available, or could not be kept. `code` is `LEASE_HELD`: another holder had it for the whole of `wait`; or
 * `LEASE_LOST`: it ended before the work did.
 */
export class LeaseError extends WarmTokenError {
  /** The name of the class; set explicitly, because a minifier shortens class names. */
  override readonly name: string = 'LeaseError'

  constructor(message: string, options: { code: 'LEASE_HELD' | 'LEASE_LOST'; key: string; retryAt?: number }) {
    super(message, { ...options, retryable: true })
  }
}
