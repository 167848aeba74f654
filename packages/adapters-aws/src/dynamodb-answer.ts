import type { Answer } from '@warmtoken/http'
import { serverTime } from './clock.ts'
import { failure } from './dynamodb-exchange.ts'
import type { Item, Output, Sent, Unmet } from './dynamodb-send.ts'

function isObject(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === 'object' && value !== null
}

/** The JSON of an answer; what the parser says of it would quote a record. */
function parse({ text, status }: Answer): { readonly [name: string]: unknown } {
  try {
    const value: unknown = JSON.parse(text)
    if (isObject(value)) return value
  } catch {
    // Below.
  }
  throw failure('AnswerUnreadable', 'the answer of DynamoDB is not JSON', status >= 400 ? status : undefined)
}

/** What an answer says. Throws an error as the SDK would. */
export function understand(answer: Answer): Sent | Unmet {
  const fields = parse(answer)
  const time = serverTime(answer.headers['date'])
  if (answer.status === 200) return { output: fields as Output, time }
  const type = String(fields['__type'] ?? `HTTP ${answer.status}`)
  const name = type.slice(type.lastIndexOf('#') + 1)
  if (name === 'ConditionalCheckFailedException') return { unmet: fields['Item'] as Item, time }
  throw failure(/^[\w ]{1,100}$/.test(name) ? name : 'Error', 'DynamoDB refused the request', answer.status)
}
