import type { KeyObject } from 'node:crypto'
import type { FetchRequest } from '../../contracts.ts'
import { SourceRefusedError } from '../../errors.ts'
import { type Answer, ask, fieldsOf } from '../shared/answer.ts'
import { openSecret, readPrivateKey } from '../shared/credentials.ts'
import type { Secret } from '../shared/definition.ts'
import { type AuthorizationServer, findServer } from './metadata.ts'
import type { ClientAuthentication, IssuerOptions, KeyAlgorithm, RequestOptions } from './options.ts'

/** How long an assertion of a client is good for, in ms. */
const ASSERTION_LIFETIME = 60_000

/** How the client of one request proves itself. */
export interface ClientProof {
  readonly clientId: string
  readonly authentication: ClientAuthentication
  readonly secret: Secret
  readonly algorithm?: KeyAlgorithm
  readonly keyId?: string
  readonly assertionAudience?: string
  readonly assertionHeader?: { readonly [name: string]: unknown }
}

/** One token request, whatever the grant. */
export interface TokenRequest {
  readonly options: IssuerOptions & RequestOptions
  /** `undefined` where the grant itself proves who asks. */
  readonly client: ClientProof | undefined
  readonly grantType: string
  /** Resolves to what the grant sends, dated by `now` in ms; called for every attempt, so that nothing is used twice. */
  parameters(server: AuthorizationServer, now: number): URLSearchParams | Promise<URLSearchParams>
  /** Whether the parameters hold an assertion, which a wrong clock spoils. */
  readonly hasAssertion?: boolean
  /** PEM of the key that the token is bound to. */
  readonly dpop?: string
  readonly request: Pick<FetchRequest<unknown>, 'signal' | 'serverTime'>
}

/**
 * Sends a token request. What it dates by a clock is sent once more by the issuer's own clock when that differs. Rejects
 * with a typed error that says `nothingDone` where the request certainly did not reach the issuer.
 */
export async function askTokenEndpoint(request: TokenRequest): Promise<Answer> {
  const { client, dpop, hasAssertion = false } = request
  const { signal, serverTime = Date.now() } = request.request
  // Before the issuer is asked for anything: a secret or key that cannot be read needs no request.
  const prove = await proverOf(client)
  const server = await findServer(request.options, signal)
  const send = (now: number): Promise<Answer> => sendBound(request, { server, prove, now })
  const isDated = hasAssertion || dpop !== undefined || /_jwt$/.test(client?.authentication ?? '')
  if (!isDated) return send(serverTime)
  const { sendDated } = await import('../shared/assertion.ts')
  return sendDated(serverTime, send, (answer) => isRefusedByClock(request, answer))
}

/** A wrong date is a refusal of the proof. What a refused refresh token has spent must not be sent again. */
function isRefusedByClock({ grantType }: TokenRequest, answer: Answer): boolean {
  if (answer.status !== 400 && answer.status !== 401) return false
  return grantType !== 'refresh_token' || fieldsOf(answer)['error'] === 'invalid_client'
}

/** What any grant may ask for: scopes and resources. */
export function targetParameters({
  scope,
  resource = [],
}: {
  readonly scope?: readonly string[]
  readonly resource?: readonly string[]
}): URLSearchParams {
  const parameters = new URLSearchParams()
  if (scope !== undefined && scope.length > 0) parameters.set('scope', [...new Set(scope)].sort().join(' '))
  for (const one of resource) parameters.append('resource', one)
  return parameters
}

/** One attempt: to whom, with which proof of the client, and when by the issuer's clock. */
interface Attempt {
  readonly server: AuthorizationServer
  readonly prove: Prove
  readonly now: number
}

/** Sends the request, bound to the key if there is one, and once more when the issuer first requires its nonce (RFC 9449 §8). */
async function sendBound(request: TokenRequest, attempt: Attempt): Promise<Answer> {
  const { dpop: pem } = request
  if (pem === undefined) return send(request, attempt)
  const { keepNonce, makeProof, nonceFor } = await import('./dpop.ts')
  const url = attempt.server.tokenEndpoint
  const bound = async (): Promise<Answer> =>
    send(request, attempt, await makeProof({ pem, method: 'POST', url, nonce: nonceFor(url), now: attempt.now }))
  const answer = await bound()
  const isNew = keepNonce(url, answer.headers)
  const wantsNonce = answer.status >= 400 && fieldsOf(answer)['error'] === 'use_dpop_nonce'
  if (!isNew || !wantsNonce) return answer
  const second = await bound()
  keepNonce(url, second.headers)
  return second
}

async function send(request: TokenRequest, { server, prove, now }: Attempt, dpop?: string): Promise<Answer> {
  const { options, grantType, parameters } = request
  const body = await parameters(server, now)
  const headers = headersOf(options)
  headers.set('content-type', 'application/x-www-form-urlencoded')
  if (dpop !== undefined) headers.set('dpop', dpop)
  await prove({ body, headers }, server, now)
  body.set('grant_type', grantType)
  for (const [name, value] of Object.entries(options.parameters ?? {})) if (!body.has(name)) body.set(name, value)
  return ask(server.tokenEndpoint, { method: 'POST', headers, body: body.toString(), signal: request.request.signal })
}

/** What `Headers` says of what it does not take quotes it, and a header may hold a secret. */
function headersOf({ headers }: RequestOptions): Headers {
  try {
    return new Headers({ accept: 'application/json', ...headers })
  } catch {
    const message = 'option "headers" has a name or a value that HTTP does not allow'
    throw new SourceRefusedError(message, { code: 'BAD_HEADERS' })
  }
}

/** Puts the proof of who the client is on a request. */
type Prove = (
  sent: { readonly body: URLSearchParams; readonly headers: Headers },
  server: AuthorizationServer,
  now: number,
) => Promise<void>

async function proverOf(client: ClientProof | undefined): Promise<Prove> {
  if (client === undefined) return async () => {}
  const { authentication, clientId } = client
  if (authentication === 'none') return async ({ body }) => body.set('client_id', clientId)
  if (authentication === 'private_key_jwt') {
    const key = readPrivateKey(await openSecret(client.secret, 'privateKey'))
    return byAssertion(client, key, client.algorithm ?? 'RS256')
  }
  const secret = await openSecret(client.secret, 'clientSecret')
  if (authentication === 'client_secret_jwt') return byAssertion(client, new TextEncoder().encode(secret), 'HS256')
  if (authentication === 'body')
    return async ({ body }) => {
      body.set('client_id', clientId)
      body.set('client_secret', secret)
    }
  const [user, password] = authentication === 'basic' ? [formEncode(clientId), formEncode(secret)] : [clientId, secret]
  const basic = `Basic ${Buffer.from(`${user}:${password}`, 'utf8').toString('base64')}`
  return async ({ headers }) => headers.set('authorization', basic)
}

/** As a form encodes it (RFC 6749 appendix B): `-`, `.`, `_` and `*` stay, which issuers that do not decode rely on. */
function formEncode(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1)
}

/** RFC 7523 §2.2: a new assertion for each request, as each may be used once. */
function byAssertion(client: ClientProof, key: KeyObject | Uint8Array, alg: string): Prove {
  return async ({ body }, { issuer }, now) => {
    body.set('client_id', client.clientId)
    body.set('client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer')
    body.set('client_assertion', await signClient(client, key, { alg, issuer, now }))
  }
}

async function signClient(
  { clientId, keyId, assertionAudience, assertionHeader }: ClientProof,
  key: KeyObject | Uint8Array,
  { alg, issuer, now }: { readonly alg: string; readonly issuer: string; readonly now: number },
): Promise<string> {
  const { signAssertion } = await import('../shared/assertion.ts')
  return signAssertion({
    payload: { iss: clientId, sub: clientId, aud: assertionAudience ?? issuer, jti: crypto.randomUUID() },
    header: { typ: 'JWT', ...(keyId !== undefined && { kid: keyId }), ...assertionHeader, alg },
    key,
    now,
    lifetime: ASSERTION_LIFETIME,
  })
}
