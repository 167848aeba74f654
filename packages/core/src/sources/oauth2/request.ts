import {
  type AuthorizationServer,
  allowInsecureRequests,
  type ClientAuth,
  ClientSecretBasic,
  ClientSecretJwt,
  ClientSecretPost,
  customFetch,
  genericTokenEndpointRequest,
  None,
  PrivateKeyJwt,
} from 'oauth4webapi'
import { SourceUnavailableError, WarmTokenError } from '../../errors.ts'
import { type Answer, ask, checkSecret } from '../shared/answer.ts'
import { fieldsOf, type Reading, readToken, type TokenAnswer } from './answer.ts'
import { importKey } from './key.ts'
import { findServer, unsent } from './metadata.ts'
import type { ClientAuthentication, IssuerOptions, KeyAlgorithm } from './options.ts'

/** How the client of one request proves itself. */
export interface ClientProof {
  readonly clientId: string
  readonly authentication: ClientAuthentication
  /** The secret or the PEM, as it was given: it may be anything. */
  readonly secret: unknown
  readonly algorithm?: KeyAlgorithm
  readonly keyId?: string
}

/** One token request, whatever the grant. */
export interface TokenRequest {
  readonly issuer: IssuerOptions
  /** `undefined` where the grant itself proves who asks. */
  readonly client: ClientProof | undefined
  readonly grantType: string
  /** Resolves to what the grant sends; asked again for every attempt, so that what may be used once is made anew. */
  parameters(server: AuthorizationServer): URLSearchParams | Promise<URLSearchParams>
  readonly reading: Reading
  /** PEM of the key that the token is bound to. */
  readonly dpop?: unknown
  readonly signal: AbortSignal
}

/**
 * Asks an OAuth 2.0 issuer for a token. Rejects with a typed error that shows nothing of the answer but its error code,
 * and that says `nothingDone` where the request certainly did not reach the issuer.
 */
export async function requestToken(request: TokenRequest): Promise<TokenAnswer> {
  const server = await findServer(request.issuer, request.signal)
  const answer = await sendBound(request, server)
  const token = readToken(answer, request.reading)
  // RFC 9449 §5: a client that wants a bound token must not take one that is not.
  if (request.dpop !== undefined && token.issued.value.type !== 'DPoP')
    throw new SourceUnavailableError('the issuer gave a token that is not bound to the key', { code: 'BAD_TOKEN' })
  return token
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

/** Sends the request, bound to the key if there is one, and once more when the issuer first tells its nonce (RFC 9449 §8). */
async function sendBound(request: TokenRequest, server: AuthorizationServer): Promise<Answer> {
  const { dpop } = request
  if (dpop === undefined) return send(request, server, async () => undefined)
  const { keepNonce, makeProof, nonceFor } = await import('./dpop.ts')
  const prove = (url: string): Promise<string> => makeProof({ pem: dpop, method: 'POST', url, nonce: nonceFor(url) })
  const attempt = async (): Promise<readonly [answer: Answer, nonce: boolean]> => {
    const answer = await send(request, server, prove)
    return [answer, keepNonce(server.token_endpoint ?? '', answer.headers)]
  }
  const [answer, nonce] = await attempt()
  const again = nonce && answer.status >= 400 && fieldsOf(answer)['error'] === 'use_dpop_nonce'
  return again ? (await attempt())[0] : answer
}

async function send(
  { client, grantType, issuer, parameters, signal }: TokenRequest,
  server: AuthorizationServer,
  prove: (url: string) => Promise<string | undefined>,
): Promise<Answer> {
  const authentication = await authenticate(client)
  const body = await parameters(server)
  let answer: Answer | undefined
  const post = async (url: string, init: RequestInit): Promise<Response> => {
    const headers = new Headers(init.headers)
    const proof = await prove(url)
    if (proof !== undefined) headers.set('dpop', proof)
    answer = await ask(url, { ...init, headers })
    return new Response(null, { status: 204 })
  }
  // The library insists on a name; without a client it is sent nowhere.
  const name = { client_id: client?.clientId ?? 'none' }
  try {
    await genericTokenEndpointRequest(server, name, authentication, grantType, body, {
      signal,
      [customFetch]: post,
      [allowInsecureRequests]: issuer.allowInsecure === true,
    })
  } catch (error) {
    throw error instanceof WarmTokenError ? error : unsent(error, 'the token request could not be made')
  }
  if (answer === undefined) throw unsent(undefined, 'the issuer was not asked')
  return answer
}

async function authenticate(client: ClientProof | undefined): Promise<ClientAuth> {
  if (client === undefined) return () => {}
  const { authentication, secret, keyId, algorithm } = client
  if (authentication === 'none') return None()
  if (authentication === 'private_key_jwt') {
    const key = await importKey(secret, algorithm)
    return PrivateKeyJwt(keyId === undefined ? key : { key, kid: keyId })
  }
  // A secret function may give anything; what the library would say of it is not a typed error.
  const text = checkSecret(secret, 'clientSecret')
  if (authentication === 'body') return ClientSecretPost(text)
  return authentication === 'basic' ? ClientSecretBasic(text) : ClientSecretJwt(text)
}
