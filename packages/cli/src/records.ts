/** Keys that are given on the command line, and who gives them. @module */

import { userInfo } from 'node:os'
import { isOurs, type Operator } from '@warmtoken/core/operate'
import { EXIT, OperatorError } from './exit.ts'

/** Throws for a text that cannot be a key of this library. */
export function checkKey(key: string): void {
  if (isOurs(key)) return
  throw new OperatorError(
    'the key must be one that "warmtoken list" shows, such as oauth2~ and 40 hexadecimal digits',
    EXIT.usage,
  )
}

/** Who runs the command, for the records that it changes. */
export function operatorOf(reason: string | undefined): Operator {
  return { name: userName(), reason }
}

function userName(): string {
  try {
    return userInfo().username
  } catch {
    // A container may run under an id that has no name.
    return 'unknown'
  }
}
