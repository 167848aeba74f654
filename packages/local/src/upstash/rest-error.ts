/** A request the REST front refuses; the message goes into the `error` member of the answer. */
export class RestError extends Error {
  override readonly name = 'RestError'
  /** HTTP status. */
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}
