/** An error reply on its way out of a command; the message is Redis's own text. */
export class RedisError extends Error {
  override readonly name = 'RedisError'
}

/** The error for options that make no sense. */
export function syntaxError(): RedisError {
  return new RedisError('ERR syntax error')
}
