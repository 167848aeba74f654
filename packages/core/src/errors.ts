import type { FailureKind } from './contracts.ts'

/** What every error of this library carries. */
export interface WarmTokenErrorOptions {
  /** Stable, for programs. */
  readonly code: string
  /** The key, when it is known. Never holds a secret. */
  readonly key?: string | undefined
  /** Whether the same call may succeed later. */
  readonly retryable: boolean
  /** The earliest instant at which it may, in ms since 1970 on this machine's clock. */
  readonly retryAt?: number | undefined
  /** What caused it: an error whose text is known to be harmless. */
  readonly cause?: unknown
}

/** The base of every error that this library throws beside `TypeError` for misuse. */
export class WarmTokenError extends Error {
  /** The name of the class; set explicitly, because a minifier shortens class names. */
  override readonly name: string = 'WarmTokenError'
  /** Stable code, for programs. */
  readonly code: string
  /** The key of the token, when it is known. */
  readonly key: string | undefined
  /** The name that `tokens.use(source, { name })` gave the token, if any; set when the error reaches its handle. */
  declare readonly tokenName?: string
  /** Whether the same call may succeed later. */
  readonly retryable: boolean
  /** The earliest instant at which it may, in ms since 1970. */
  readonly retryAt: number | undefined

  constructor(message: string, options: WarmTokenErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = options.code
    this.key = options.key
    this.retryable = options.retryable
    this.retryAt = options.retryAt
  }
}

/** The source refused: wrong secret, unknown client, missing right. Final until the secret or the configuration changes. */
export class SourceRefusedError extends WarmTokenError {
  /** The name of the class; set explicitly, because a minifier shortens class names. */
  override readonly name: string = 'SourceRefusedError'
  /** `detail` is the issuer's error code (never its text), `key` is added by the engine. */
  constructor(message: string, options: { code?: string; key?: string; retryAt?: number; cause?: unknown } = {}) {
    super(message, { ...options, code: options.code ?? 'SOURCE_REFUSED', retryable: false })
  }
}

/** The source could not answer now: network, 5xx, 429, an answer that makes no sense. */
export class SourceUnavailableError extends WarmTokenError {
  /** The name of the class; set explicitly, because a minifier shortens class names. */
  override readonly name: string = 'SourceUnavailableError'
  /** How long the issuer asked to wait, in ms; `undefined` when it did not. */
  readonly retryAfter: number | undefined
  /** `throttled` when the issuer asked for patience. */
  readonly kind: FailureKind
  /** True when the issuer certainly did nothing for the request, so that nothing was spent by it. */
  readonly nothingDone: boolean
  /** The system's code when the issuer could not be reached, such as `ECONNREFUSED` or `ENOTFOUND`. */
  readonly systemCode: string | undefined

  constructor(
    message: string,
    options: {
      code?: string
      key?: string
      retryAfter?: number | undefined
      throttled?: boolean
      nothingDone?: boolean
      systemCode?: string | undefined
      retryAt?: number
      cause?: unknown
    } = {},
  ) {
    super(message, { ...options, code: options.code ?? 'SOURCE_UNAVAILABLE', retryable: true })
    this.retryAfter = options.retryAfter
    this.kind = options.throttled === true ? 'throttled' : 'unavailable'
    this.nothingDone = options.nothingDone ?? options.throttled ?? false
    this.systemCode = options.systemCode
  }
}

/** No value could be obtained within the time given. */
export class TimeoutError extends WarmTokenError {
  /** The name of the class; set explicitly, because a minifier shortens class names. */
  override readonly name: string = 'TimeoutError'
  constructor(message: string, options: { key?: string } = {}) {
    super(message, { ...options, code: 'TIMEOUT', retryable: true })
  }
}

/** A token must be fetched again by a person signing in: the refresh chain is broken. */
export class SignInRequiredError extends WarmTokenError {
  /** The name of the class; set explicitly, because a minifier shortens class names. */
  override readonly name: string = 'SignInRequiredError'
  constructor(message: string, options: { key?: string; cause?: unknown } = {}) {
    super(message, { ...options, code: 'SIGN_IN_REQUIRED', retryable: false })
  }
}

/** The store could not be used. `retryable` tells a passing fault from a wrong set-up. */
export class StoreError extends WarmTokenError {
  /** The name of the class; set explicitly, because a minifier shortens class names. */
  override readonly name: string = 'StoreError'
  constructor(message: string, options: { code?: string; key?: string; retryable: boolean; cause?: unknown }) {
    super(message, { ...options, code: options.code ?? 'STORE_UNAVAILABLE' })
  }
}

/** A request body that can be read only once cannot be sent again with a new token. */
export class NotReplayableError extends WarmTokenError {
  /** The name of the class; set explicitly, because a minifier shortens class names. */
  override readonly name: string = 'NotReplayableError'
  constructor(message: string, options: { key?: string } = {}) {
    super(message, { ...options, code: 'NOT_REPLAYABLE', retryable: false })
  }
}
