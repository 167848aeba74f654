import { connectionsTo, type Exchange } from '@warmtoken/http'

const SETTINGS = {
  headers: ['date'],
  connectTimeout: 300,
  answerTimeout: 800,
  /** 16 MB, what DynamoDB gives at most with a batch, and more. */
  maxAnswer: 17 * 1024 * 1024,
} as const

/** Sends signed requests to an address, and reads the answers. Not by `fetch`, whose first use takes 25 ms more. */
export type Post = (
  headers: Readonly<Record<string, string>>,
  body: string,
  signal: AbortSignal,
) => ReturnType<Exchange>

/** Makes what sends to an address, over connections that are kept for the requests to come. */
export function poster(url: URL): Post {
  const exchange = connectionsTo(url, SETTINGS)
  const path = url.pathname
  return (headers, body, signal) => exchange({ method: 'POST', path, headers, body }, signal)
}

/** An error as the SDK would throw it. */
export function failure(name: string, message: string, status?: number): Error {
  return Object.assign(new Error(message), {
    name,
    ...(status !== undefined && { $metadata: { httpStatusCode: status } }),
  })
}
