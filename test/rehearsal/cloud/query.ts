import { randomUUID } from 'node:crypto'
import { type Answer, type Call, type Service, ServiceError } from './service.ts'
import { toXml, type Xml } from './xml.ts'

/** The parameters of a call, such as `Tags.member.1.Key`. */
export type Parameters = ReadonlyMap<string, string>

/** One operation: from its parameters to what stands in its result. */
export type QueryOperation = (parameters: Parameters) => Xml | Promise<Xml>

/** A service that speaks the query protocol: a form comes, XML goes. */
export function queryService(namespace: string, operations: { readonly [name: string]: QueryOperation }): Service {
  const operationOf = (call: Call): string => parametersOf(call).get('Action') ?? 'none'
  const answer = async (operation: string, call: Call): Promise<Answer | undefined> => {
    const perform = Object.hasOwn(operations, operation) ? operations[operation] : undefined
    if (perform === undefined) return undefined
    try {
      return ok(namespace, operation, await perform(parametersOf(call)))
    } catch (error) {
      if (error instanceof ServiceError) return refusal(namespace, error)
      throw error
    }
  }
  return { operationOf, answer }
}

/** A parameter that must be there. */
export function required(parameters: Parameters, name: string): string {
  const value = parameters.get(name)
  if (value === undefined || value === '') throw new ServiceError('ValidationError', `${name} is missing`)
  return value
}

/** The members of a list: `Capabilities.member.1`, `Capabilities.member.2`. */
export function listOf(parameters: Parameters, name: string): readonly string[] {
  return [...parameters].filter(([key]) => new RegExp(`^${name}\\.member\\.\\d+$`).test(key)).map(([, value]) => value)
}

function parametersOf({ body }: Call): Parameters {
  return new Map(new URLSearchParams(body))
}

function ok(namespace: string, operation: string, result: Xml): Answer {
  return {
    status: 200,
    contentType: 'text/xml',
    body:
      `<${operation}Response xmlns="${namespace}"><${operation}Result>${toXml(result)}</${operation}Result>` +
      `<ResponseMetadata><RequestId>${randomUUID()}</RequestId></ResponseMetadata></${operation}Response>`,
  }
}

function refusal(namespace: string, { code, message: Message, status }: ServiceError): Answer {
  return {
    status,
    contentType: 'text/xml',
    body:
      `<ErrorResponse xmlns="${namespace}">${toXml({ Error: { Type: 'Sender', Code: code, Message } })}` +
      `<RequestId>${randomUUID()}</RequestId></ErrorResponse>`,
  }
}
