/** How a command ends: exit codes, errors, and what is printed of an error. @module */

import { isStoreFault } from '@warmtoken/core/adapter'
import { CommanderError } from 'commander'

/** The exit codes. */
export const EXIT = {
  /** Done. */
  good: 0,
  /** It failed, or was stopped. */
  failed: 1,
  /** The command line is wrong. */
  usage: 2,
  /** `doctor` has found something. */
  found: 3,
  /** Credentials or a right are missing. */
  denied: 4,
} as const

/** An error whose message is for the operator: it names what is wrong and the remedy, and shows no value. */
export class OperatorError extends Error {
  override readonly name = 'OperatorError'
  /** The exit code that it leads to. */
  readonly exitCode: number

  constructor(message: string, exitCode: number = EXIT.failed) {
    super(message)
    this.exitCode = exitCode
  }
}

/** The exit code for whatever a command threw. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.good : EXIT.usage
  if (error instanceof OperatorError) return error.exitCode
  return isStoreFault(error) && error.code === 'STORE_DENIED' ? EXIT.denied : EXIT.failed
}

/** What is printed of an error. An error of unknown origin may quote a record or a key: only its name is shown. */
export function messageOf(error: unknown): string {
  if (error instanceof CommanderError) return `${error.message.replace(/^error: /, '')}\nTry warmtoken --help`
  if (error instanceof OperatorError) return error.message
  if (isStoreFault(error)) return `${error.message} (${error.code})`
  if (error instanceof Error && error.name === 'AbortError') return 'stopped'
  // Node's errors about files and sockets name a path or an address.
  if (error instanceof Error && 'syscall' in error) return error.message
  // The checks of options name the option and never show what was given.
  if (error instanceof TypeError) return error.message
  return `unexpected ${error instanceof Error ? error.name : 'error'}`
}
