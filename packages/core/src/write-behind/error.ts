import { WarmTokenError } from '../errors.ts'
import type { FullBound } from './events.ts'

const BOUNDS: Readonly<Record<FullBound, string>> = {
  queue: 'its queue holds 64 writes or 64 KB that wait',
  index: 'its part of the index holds 200 keys whose writes wait',
  waiting: '1,000 writes of this environment wait for the store',
}

/**
 * A write was not accepted, because there is no room for it and the writes that wait could not be applied now. Nothing was
 * stored. `code` is `BEHIND_FULL`.
 */
export class BehindFullError extends WarmTokenError {
  /** The name of the class; set explicitly, because a minifier shortens class names. */
  override readonly name: string = 'BehindFullError'
  /** Which bound was reached. */
  readonly bound: FullBound

  constructor(key: string, bound: FullBound, { parked = false }: { readonly parked?: boolean } = {}) {
    const remedy = parked
      ? 'a refused write has stopped the key: decide by "retry" or "giveUp"'
      : 'call again later, or drain more often'
    super(`the write of ${key} was not accepted: ${BOUNDS[bound]}; ${remedy}`, {
      code: 'BEHIND_FULL',
      key,
      retryable: true,
    })
    this.bound = bound
  }
}

/**
 * Nobody knows whether a write was accepted: the store's answers were lost, and too many others followed. It is not repeated
 * here, because it could be applied twice. `code` is `BEHIND_UNKNOWN`.
 */
export class BehindUnknownError extends WarmTokenError {
  /** The name of the class; set explicitly, because a minifier shortens class names. */
  override readonly name: string = 'BehindUnknownError'
  /** The id of the write: a repeat with it is recognized among the last 32 writes of the key. */
  readonly id: string

  constructor(key: string, id: string) {
    super(`the write of ${key} may have been accepted: the store's answers were lost; read before you repeat it`, {
      code: 'BEHIND_UNKNOWN',
      key,
      retryable: true,
    })
    this.id = id
  }
}

/** Throw it from `apply` for a write that will never succeed: it is not tried again. Any error with `retryable: false` does. */
export class WriteRefusedError extends WarmTokenError {
  /** The name of the class; set explicitly, because a minifier shortens class names. */
  override readonly name: string = 'WriteRefusedError'

  constructor(
    message: string,
    { code = 'WRITE_REFUSED', cause }: { readonly code?: string; readonly cause?: unknown } = {},
  ) {
    super(message, { code, retryable: false, cause })
  }
}
