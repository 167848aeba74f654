import type { ImitatedAnswer, ImitatedRequest, Imitation, ImitationOptions } from '../issuers/imitation.ts'
import { startImitation } from '../issuers/imitation.ts'

const HEADERS = { 'content-type': 'application/x-amz-json-1.1' }

/** An operation of a service: what it answers to an input. Throws {@link AwsRefusal} for an error. */
export type Operation = (input: { readonly [name: string]: unknown }, now: number) => object

/** An error that an operation answers with, by the service's name for it. */
export class AwsRefusal extends Error {
  override readonly name = 'AwsRefusal'
  /** The service's name for it, such as `NotFoundException`. */
  readonly code: string

  constructor(code: string, message: string = code) {
    super(message)
    this.code = code
  }
}

/** How an error is answered. */
export interface AwsErrorOptions {
  /** Default 400. */
  readonly status?: number
  /** Default its code. */
  readonly message?: string
}

/**
 * An error as KMS, Secrets Manager and SSM answer it, for `failNext`.
 *
 * @example
 * kms.failNext(awsError('ThrottlingException'), 3)
 */
export function awsError(code: string, { status = 400, message = code }: AwsErrorOptions = {}): ImitatedAnswer {
  return {
    status,
    headers: HEADERS,
    body: { __type: code, message },
  }
}

/** Starts a service of the JSON 1.1 protocol. `counted` is the operation that is counted and can be made to fail. */
export async function startJsonService(
  options: ImitationOptions,
  { target, counted }: { readonly target: string; readonly counted: string },
  operations: { readonly [name: string]: Operation },
): Promise<Imitation> {
  return startImitation(
    options,
    (request) => operationOf(request) === `${target}.${counted}`,
    (request, now) => {
      const [service, name = ''] = operationOf(request).split('.')
      const operation = service === target && Object.hasOwn(operations, name) ? operations[name] : undefined
      if (operation === undefined) return awsError('UnknownOperationException')
      if (request.headers.authorization === undefined) return awsError('MissingAuthenticationTokenException')
      return perform(() => operation(request.json, now))
    },
  )
}

function operationOf({ headers }: ImitatedRequest): string {
  return String(headers['x-amz-target'] ?? '')
}

function perform(operation: () => object): ImitatedAnswer {
  try {
    return { headers: HEADERS, body: operation() }
  } catch (error) {
    if (error instanceof AwsRefusal) return awsError(error.code, { message: error.message })
    throw error
  }
}

/** A text field of an input; refuses as the services do when it is missing. */
export function textField(input: { readonly [name: string]: unknown }, name: string): string {
  const value = input[name]
  if (typeof value === 'string' && value !== '') return value
  throw new AwsRefusal('ValidationException', `1 validation error detected: Value at '${name}' failed`)
}
