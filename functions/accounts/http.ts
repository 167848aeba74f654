import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import { MAX_PASSWORD } from './password.ts'

/** The longest body that is read, in characters. */
const MAX_BODY = 4_096

/** An answer in JSON that nobody keeps. */
export function json(statusCode: number, body: unknown, cookie?: string): APIGatewayProxyStructuredResultV2 {
  return {
    statusCode,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
    ...(cookie !== undefined && { cookies: [cookie] }),
    body: JSON.stringify(body),
  }
}

/**
 * The name and the password in a body; `undefined` when it is not one. Only JSON counts: a form of another site cannot send
 * it without asking first.
 */
export function readCredentials(event: APIGatewayProxyEventV2): { name: string; password: string } | undefined {
  const { body = '', headers, isBase64Encoded } = event
  if (!/^application\/json\b/i.test(headers['content-type'] ?? '') || body.length > MAX_BODY) return undefined
  try {
    const text = isBase64Encoded ? Buffer.from(body, 'base64').toString() : body
    const { name, password } = JSON.parse(text) as { name?: unknown; password?: unknown }
    if (typeof name !== 'string' || typeof password !== 'string') return undefined
    const isGood = /^[\w.@-]{1,64}$/.test(name) && password !== '' && Buffer.byteLength(password) <= MAX_PASSWORD
    return isGood ? { name, password } : undefined
  } catch {
    return undefined
  }
}
