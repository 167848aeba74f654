import {
  type AuthorizationServer,
  allowInsecureRequests,
  type ClientAuth,
  ClientSecretBasic,
  ClientSecretPost,
  clientCredentialsGrantRequest,
  customFetch,
  discoveryRequest,
  PrivateKeyJwt,
  processDiscoveryResponse,
} from 'oauth4webapi'
import type { Issued, TokenValue } from '../contracts.ts'
import { SourceRefusedError, SourceUnavailableError, WarmTokenError } from '../errors.ts'
import { asToken, asTokenType } from '../parse.ts'
import { type Answer, ask, checkStatus, jsonOf, lifeOf, refusal, safeCode } from './answer.ts'
import type { ClientAuthentication, ClientCredentialsOptions } from './oauth2.ts'

/** Error codes of RFC 6749 §5.2 and others that may pass by themselves. */
const PASSING = ['temporarily_unavailable', 'server_error', 'slow_down']
/** How long issuer metadata is kept, in ms. */
const METADATA_LIFE = 3_600_000
/** How many issuers' metadata is kept. */
const MAX_METADATA = 100

/** One token request. */
interface TokenRequest extends ClientCredentialsOptions {
  readonly authentication: ClientAuthentication
  readonly scope: readonly string[]
  readonly resource: readonly string[]
  readonly secret: string
  readonly signal: AbortSignal
}

const metadata = new Map<string, { readonly server: AuthorizationServer; readonly at: number }>()

/** Asks an OAuth 2.0 issuer for a token. Rejects with a typed error that shows nothing of the answer but its error code. */
export const requestToken = async (request: TokenRequest): Promise<Issued<TokenValue>> => {
  const server = await findServer(request)
  const parameters = new URLSearchParams()
  if (request.scope.length > 0) parameters.set('scope', [...request.scope].sort().join(' '))
  if (request.audience !== undefined) parameters.set('audience', request.audience)
  for (const resource of request.resource) parameters.append('resource', resource)
  const authentication = await authenticate(request)
  let answer: Answer | undefined
  const send = async (url: string, init: RequestInit): Promise<Response> => {
    answer = await ask(url, init)
    return new Response(null, { status: 204 })
  }
  try {
    await clientCredentialsGrantRequest(server, { client_id: request.clientId }, authentication, parameters, {
      signal: request.signal,
      [customFetch]: send,
      [allowInsecureRequests]: request.allowInsecure === true,
    })
  } catch (error) {
    throw asTyped(error, 'the token request could not be made')
  }
  if (answer === undefined) throw new SourceUnavailableError('the issuer was not asked', { code: 'SOURCE_FAILED' })
  return readToken(answer, request)
}

/** The token in an answer. Errors also come with status 200, so the body is asked first. */
const readToken = (answer: Answer, { life, acceptStringLife }: TokenRequest): Issued<TokenValue> => {
  checkStatus(answer)
  const fields = answer.status === 200 ? jsonOf(answer) : (tryJson(answer) ?? {})
  const code = safeCode(fields['error'])
  if (fields['error'] !== undefined || answer.status !== 200) {
    if (code !== undefined && PASSING.includes(code))
      throw new SourceUnavailableError(`the issuer answered ${code}`, { code })
    throw refusal(answer.status, code)
  }
  const value = asToken(fields['access_token'])
  if (value === undefined)
    throw new SourceUnavailableError('the issuer\'s answer has no "access_token" of 1 to 65,536 printable characters', {
      code: 'BAD_TOKEN',
    })
  const type = asTokenType(fields['token_type'])
  if (type === undefined)
    throw new SourceUnavailableError('the issuer\'s answer has no "token_type"', { code: 'BAD_TOKEN' })
  const left =
    fields['expires_in'] === undefined
      ? (life ?? 300_000)
      : lifeOf(fields['expires_in'], 'expires_in', acceptStringLife === true)
  // RFC 6749 §7.1: the type is case-insensitive; APIs are not always.
  return { value: { value, type: type.toLowerCase() === 'bearer' ? 'Bearer' : type }, life: left }
}

const tryJson = (answer: Answer): ReturnType<typeof jsonOf> | undefined => {
  try {
    return jsonOf(answer)
  } catch {
    return undefined
  }
}

/** The issuer's metadata, asked for once an hour. */
const findServer = async ({
  issuer,
  tokenEndpoint,
  allowInsecure,
  signal,
}: TokenRequest): Promise<AuthorizationServer> => {
  if (tokenEndpoint !== undefined) return { issuer: tokenEndpoint, token_endpoint: tokenEndpoint }
  const address = issuer ?? ''
  const known = metadata.get(address)
  if (known !== undefined && Date.now() - known.at < METADATA_LIFE) return known.server
  try {
    const url = new URL(address)
    const response = await discoveryRequest(url, {
      signal,
      [allowInsecureRequests]: allowInsecure === true,
      [customFetch]: async (target, { body: _body, ...init }) => {
        const answer = await ask(target, init)
        checkStatus(answer)
        return new Response(answer.text, { status: answer.status, headers: answer.headers })
      },
    })
    const server = await processDiscoveryResponse(url, response)
    if (metadata.size >= MAX_METADATA) metadata.clear()
    metadata.set(address, { server, at: Date.now() })
    return server
  } catch (error) {
    throw asTyped(error, 'the metadata of the issuer could not be read')
  }
}

const authenticate = async ({
  authentication,
  secret,
  algorithm = 'RS256',
  keyId,
}: TokenRequest): Promise<ClientAuth> => {
  // A secret function may give anything; what the library would say of it is not a typed error.
  if (typeof secret !== 'string' || secret === '')
    throw new SourceRefusedError('the secret of the client is not a text, or an empty one', { code: 'BAD_SECRET' })
  if (authentication === 'body') return ClientSecretPost(secret)
  if (authentication === 'basic') return ClientSecretBasic(secret)
  try {
    const der = Buffer.from(secret.replace(/-----[^-]+-----|\s/g, ''), 'base64')
    const key = await crypto.subtle.importKey('pkcs8', der, KEY_ALGORITHMS[algorithm] ?? algorithm, false, ['sign'])
    return PrivateKeyJwt(keyId === undefined ? key : { key, kid: keyId })
  } catch {
    // What the key parser says may quote the key.
    throw new SourceRefusedError('option "privateKey" is not a private key in PEM (PKCS #8) for the algorithm', {
      code: 'BAD_KEY',
    })
  }
}

const KEY_ALGORITHMS: { readonly [name: string]: Parameters<typeof crypto.subtle.importKey>[2] } = {
  RS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
  PS256: { name: 'RSA-PSS', hash: 'SHA-256' },
  ES256: { name: 'ECDSA', namedCurve: 'P-256' },
  EdDSA: { name: 'Ed25519' },
}

/** Only this library's own errors pass; others may quote what the issuer wrote. */
const asTyped = (error: unknown, message: string): WarmTokenError =>
  error instanceof WarmTokenError ? error : new SourceUnavailableError(message, { code: 'BAD_ANSWER' })
