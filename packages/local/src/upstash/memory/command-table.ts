import type { Reply } from '../reply.ts'
import type { Keyspace } from './keyspace.ts'
import { RedisError } from './redis-error.ts'

/** One command of the in-memory Redis. */
export interface CommandSpec {
  /** Least number of arguments, the name not counted. */
  readonly min: number
  /** Greatest number of arguments; Infinity for any. */
  readonly max: number
  /** Performs the command; throws RedisError for an error reply. */
  readonly run: (args: Arguments, keyspace: Keyspace) => Reply
}

/** The arguments of a command, without its name. */
export interface Arguments {
  readonly all: readonly Buffer[]
  /** The argument's bytes; empty beyond the end. */
  bytes(index: number): Buffer
  /** The argument as a key: the latin1 text of its bytes. */
  key(index: number): string
  /** The argument as a 64-bit integer within what a JavaScript number holds; throws RedisError otherwise. */
  integer(index: number): number
}

/** Commands by upper-case name. */
export type CommandTable = Readonly<Record<string, CommandSpec>>

const EMPTY = Buffer.alloc(0)

/** Wraps the arguments of a command. */
export function argumentsOf(all: readonly Buffer[]): Arguments {
  const bytes = (index: number): Buffer => all[index] ?? EMPTY
  return {
    all,
    bytes,
    key: (index) => bytes(index).toString('latin1'),
    integer: (index) => parseInteger(bytes(index)),
  }
}

/** Reads an integer as Redis does: no blanks, no plus sign, no leading zeros. */
export function parseInteger(bytes: Buffer): number {
  const text = bytes.toString('latin1')
  const value = Number(text)
  if (!/^(0|-?[1-9]\d{0,18})$/.test(text) || !Number.isSafeInteger(value)) {
    throw new RedisError('ERR value is not an integer or out of range')
  }
  return value
}
