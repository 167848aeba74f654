/** A short confirmation such as `OK`. */
export interface StatusReply {
  readonly status: string
}

/** An error in Redis's own words, beginning with its code, e.g. `ERR syntax error`. */
export interface ErrorReply {
  readonly error: string
}

/** What a Redis command answers with. */
export type Reply = null | number | Buffer | StatusReply | ErrorReply | readonly Reply[]

/** A command and its arguments, byte for byte. */
export type Command = readonly Buffer[]

/** The confirmation most writes answer with. */
export const OK: StatusReply = { status: 'OK' }

/** Whether a reply is an error. */
export function isError(reply: Reply | undefined): reply is ErrorReply {
  return typeof reply === 'object' && reply !== null && 'error' in reply
}

/** Whether a reply is a short confirmation. */
export function isStatus(reply: Reply): reply is StatusReply {
  return typeof reply === 'object' && reply !== null && 'status' in reply
}

/** Name of a command in upper case. */
export function commandName(command: Command): string {
  return command[0]?.toString('latin1').toUpperCase() ?? ''
}

/** Builds a command from text. */
export function commandOf(...words: readonly string[]): Command {
  return words.map((word) => Buffer.from(word))
}
