import { NotReplayableError } from '../errors.ts'
import type { TokenHandle } from './handle.ts'

/** Whether a body can be sent a second time. Streams and iterables are gone once they were read. */
const isReplayable = (body: unknown): boolean =>
  body === undefined ||
  body === null ||
  typeof body === 'string' ||
  body instanceof URLSearchParams ||
  body instanceof FormData ||
  body instanceof Blob ||
  body instanceof ArrayBuffer ||
  ArrayBuffer.isView(body)

const send = (
  input: string | URL | Request,
  init: RequestInit | undefined,
  authorization: string,
): Promise<Response> => {
  const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined))
  headers.set('authorization', authorization)
  return fetch(input, { ...init, headers })
}

/**
 * A refused token answers 401 (RFC 6750 §3.1). A 403 with `insufficient_scope` is a right that is missing: a new token
 * would not have it either.
 */
const isRejection = (response: Response): boolean => response.status === 401

/** Sends a request with a token, and once more with a new one when the API refuses the first. */
export const fetchWith = async (
  handle: TokenHandle,
  input: string | URL | Request,
  init: RequestInit | undefined,
): Promise<Response> => {
  const token = await handle.get()
  const replayable = isReplayable(init?.body) && !(input instanceof Request && input.body !== null)
  const response = await send(input, init, token.headers().authorization)
  if (!isRejection(response)) return response
  // Nobody reads the refusal; an unread body would keep the connection.
  await response.body?.cancel()
  const renewed = await handle.reject(token)
  if (!replayable) {
    throw new NotReplayableError(
      `the API refused the token of ${handle.key}, and the body of this request cannot be sent again`,
      { key: handle.key },
    )
  }
  return send(input, init, renewed.headers().authorization)
}
