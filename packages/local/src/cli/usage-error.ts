/** The command line makes no sense; the message names the argument. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
