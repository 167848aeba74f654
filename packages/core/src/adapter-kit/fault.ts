import type { StoreFault } from '../contracts.ts'
import { asLine } from '../lib/line.ts'
import { asFields, matches } from '../lib/parse.ts'

/** The longest message of a fault, in characters: a server may put a page into its error. */
const MAX_MESSAGE = 500
/** The names of errors that are shown: a server chooses them. */
const ERROR_NAME = /^[\w.:-]{1,100}$/

/** What a program reads from a {@link StoreFault}. */
export interface FaultFacts {
  /**
   * `STORE_UNAVAILABLE` (it may pass), `STORE_DENIED` (a permission is missing), `STORE_MISSING` (no such table or bucket),
   * `STORE_REFUSED` (a wrong setting), `STORE_UNSAFE` (the server ignores conditions).
   */
  readonly code: string
  /** Whether the same request may succeed later. False when an operator must act. */
  readonly retryable: boolean
  /** What the client threw. It is reduced by {@link withoutContents} first. */
  readonly cause?: unknown
  /** Whether the cause's message is known to quote no part of a record. Default false: the message is left out. */
  readonly keepMessage?: boolean
}

/**
 * Makes the error that a store rejects with. The message must name the remedy and show no part of a record, key or secret.
 *
 * @example
 * ```ts
 * throw storeFault('Redis: access denied; allow EVALSHA to this user', { code: 'STORE_DENIED', retryable: false })
 * ```
 */
export function storeFault(message: string, { code, retryable, cause, keepMessage = false }: FaultFacts): StoreFault {
  const shown = withoutContents(cause, keepMessage)
  return Object.assign(new Error(asLine(message, MAX_MESSAGE), shown === undefined ? undefined : { cause: shown }), {
    name: 'StoreFault',
    code,
    retryable,
  })
}

/** Whether a store has made this error already. */
export function isStoreFault(error: unknown): error is StoreFault {
  return error instanceof Error && error.name === 'StoreFault'
}

/**
 * The error without what a client may have quoted in it: the request, the answer, the record. Its name, its code and the
 * status of an AWS answer stay. The message stays for errors of the operating system, which name an address, and where the
 * caller knows it to be harmless.
 */
export function withoutContents(error: unknown, keepMessage: boolean = false): Error | undefined {
  if (!(error instanceof Error)) return undefined
  const { name, message, code, syscall, $metadata } = error as Error & { readonly [field: string]: unknown }
  const status = asFields($metadata)?.['httpStatusCode']
  return Object.assign(new Error(keepMessage || syscall !== undefined ? asLine(message, MAX_MESSAGE) : ''), {
    name: matches(name, ERROR_NAME) ? name : 'Error',
    ...(matches(code, /^\w{1,60}$/) && { code }),
    ...(typeof status === 'number' && { $metadata: { httpStatusCode: status } }),
  })
}
