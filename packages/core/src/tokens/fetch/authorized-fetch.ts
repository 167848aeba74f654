import type { ApiAnswer, Traits } from '../../contracts.ts'
import { NotReplayableError } from '../../errors.ts'
import { abortable, pause } from '../../lib/timing.ts'
import type { Token } from '../token.ts'
import type { TokenHandle } from '../types.ts'
import { type Attached, fetchAttached, type Sent } from './attached-fetch.ts'
import { makeReplayable } from './replayable-body.ts'

/** The longest body in which a refusal is looked for, in bytes. */
const MAX_BODY = 64 * 1024
/** How often a token that the API may not know yet is tried again. */
const SETTLE_ATTEMPTS = 3

/** What is sent, with whose token. */
interface Sending {
  readonly handle: TokenHandle
  readonly source: { readonly traits?: Traits | undefined }
}

/** Sends a request of the caller's, with one token and perhaps with another. */
type Send = (token: Token) => Promise<Sent>

function senderOf(
  { handle: { key }, source: { traits } }: Sending,
  { input, init, replayable }: Pick<Attached, 'input' | 'init' | 'replayable'>,
): Send {
  const attach = traits?.attach?.bind(traits)
  if (attach !== undefined) return (token) => fetchAttached({ input, init, attach, replayable, key }, token)
  return async (token) => {
    const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined))
    headers.set('authorization', token.headers().authorization)
    const response = await fetch(input, { ...init, headers })
    // `fetch` itself takes the header off on the way to another origin.
    const isHome = !response.redirected || new URL(response.url).origin === originOf(input)
    return { response, isHome }
  }
}

function originOf(input: string | URL | Request): string {
  return new URL(input instanceof Request ? input.url : input).origin
}

/** The body as JSON, from a copy: the caller reads the answer as if nobody had looked. */
async function readJson(response: Response): Promise<unknown> {
  // Some APIs call their JSON plain text.
  const isText = /\bjson\b|^text\/plain\b/i.test(response.headers.get('content-type') ?? '')
  const { body } = isText ? response.clone() : { body: null }
  if (body === null) return undefined
  const decoder = new TextDecoder()
  let size = 0
  let text = ''
  // Leaving the loop early cancels the copy.
  for await (const chunk of body) {
    size += chunk.byteLength
    if (size > MAX_BODY) return undefined
    text += decoder.decode(chunk, { stream: true })
  }
  try {
    return JSON.parse(text + decoder.decode()) as unknown
  } catch {
    return undefined
  }
}

/**
 * A refused token answers 401 (RFC 6750 §3.1), unless the source knows its APIs better. A 403 with `insufficient_scope` is
 * a right that is missing: a new token would not have it either.
 */
async function isRejection(response: Response, traits: Traits | undefined): Promise<boolean> {
  if (traits?.isRejection === undefined) return response.status === 401
  const { status, headers } = response
  const answer: ApiAnswer = { status, headers, json: () => readJson(response) }
  return traits.isRejection(answer)
}

/** Nobody reads this answer; an unread body would keep the connection. */
async function drop(response: Response): Promise<void> {
  await response.body?.cancel()
}

/** `fetch` refuses such an address with an error that shows it, and a token that was put into it. */
function refuseCredentials(input: string | URL | Request): void {
  const { username, password } = new URL(input instanceof Request ? input.url : input)
  if (username !== '' || password !== '') throw new TypeError('fetch: the URL must not hold credentials')
}

/**
 * Sends a request with a token, and once more with a new one when the API refuses the first. A token so young that the
 * API may not know yet is tried again first. The caller's signal ends whatever is waited for.
 */
export async function fetchWith(
  sending: Sending,
  input: string | URL | Request,
  init: RequestInit | undefined,
): Promise<Response> {
  refuseCredentials(input)
  const {
    handle,
    source: { traits },
  } = sending
  const signal = init?.signal === undefined && input instanceof Request ? input.signal : init?.signal
  signal?.throwIfAborted()
  const { init: sent, replayable } = await makeReplayable(input, init)
  const settleTime = traits?.settleTime ?? 0
  const send = senderOf(sending, { input, init: sent, replayable })
  const token = await abortable(handle.get(), signal)
  let response: Response
  for (let attempt = 1; ; attempt += 1) {
    const sent = await send(token)
    response = sent.response
    // What another origin answers after a redirect says nothing about a token that was not sent there.
    if (!sent.isHome || !(await isRejection(response, traits))) return response
    if (!replayable || token.age() >= settleTime || attempt > SETTLE_ATTEMPTS) break
    await drop(response)
    await pause(settleTime / SETTLE_ATTEMPTS, signal)
  }
  const renewed = await abortable(handle.reject(token), signal).catch(async (error: unknown) => {
    await drop(response)
    throw error
  })
  // The issuer vouches for the token, so the refusal is the API's own answer.
  if (renewed.fingerprint === token.fingerprint) return response
  await drop(response)
  if (!replayable) {
    throw new NotReplayableError(
      `the API refused the token of ${handle.key}, and the body of this request cannot be sent again`,
      { key: handle.key },
    )
  }
  return (await send(renewed)).response
}
