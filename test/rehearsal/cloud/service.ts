/** One request to a service, its signature verified. */
export interface Call {
  readonly method: string
  /** Path without the query, as it was sent. */
  readonly path: string
  /** Values by lower-case name. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

/** What a service answers. */
export interface Answer {
  readonly status: number
  readonly contentType: string
  readonly body: string
}

/** A service of the stand-in. */
export interface Service {
  /** What a call asks for, as AWS calls it: `CreateChangeSet`. */
  operationOf(call: Call): string
  /** Resolves to undefined when the operation is not played here. */
  answer(operation: string, call: Call): Promise<Answer | undefined>
}

/** An error as a service reports it to its caller. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError'
  readonly code: string
  readonly status: number

  constructor(code: string, message: string, status = 400) {
    super(message)
    this.code = code
    this.status = status
  }
}

/** The operation of a call to a service that names it in a header: `DynamoDB_20120810.GetItem` is `GetItem`. */
export function targetOf({ headers }: Call): string {
  return headers.get('x-amz-target')?.split('.')[1] ?? 'none'
}
