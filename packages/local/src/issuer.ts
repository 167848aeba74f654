import { randomBytes } from 'node:crypto'
import { createServer, type RequestListener } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import Provider, { type Context } from 'oidc-provider'
import { listen } from './http/listen.ts'
import { memoryAdapter } from './issuer-adapter.ts'

/** A client the issuer knows. With `jwks` it signs assertions (private_key_jwt), else it sends its secret. */
export interface IssuerClient {
  readonly id: string
  /** The secret, sent by HTTP Basic or, with `authentication: 'post'`, in the body; with `'jwt'` it signs assertions. */
  readonly secret?: string
  /** How the secret is used. Default `basic`. `'jwt'` (client_secret_jwt, HS256) wants 32 characters or more. */
  readonly authentication?: 'basic' | 'post' | 'jwt'
  /** Public keys that verify the client's assertions. */
  readonly jwks?: { readonly keys: readonly JWK[] }
}

/** What {@link startIssuer} takes; everything has a default. */
export interface IssuerOptions {
  /** Port on 127.0.0.1. Default 0: any free one. */
  readonly port?: number
  /** Clients that may ask. Default: `local` with the secret `local-secret`. */
  readonly clients?: readonly IssuerClient[]
  /** The API the tokens are for, a URI: their `aud`, and the resource if a request names none. Default `urn:warmtoken:api`. */
  readonly audience?: string
  /** Scopes a client may ask for; the provider leaves others out of its tokens. Default `contacts:read`. */
  readonly scopes?: readonly string[]
  /** Life of a token in milliseconds, rounded to whole seconds. Default one hour. */
  readonly tokenLifetime?: number
  /** Milliseconds to wait before a token request is looked at. Default 0. */
  readonly delay?: number
  /** Whether a DPoP proof must carry the server's nonce (RFC 9449 §8). Default false. */
  readonly dpopNonce?: boolean
}

/** A running OpenID provider. */
export interface Issuer {
  /** Its address, which is also the issuer identifier. */
  readonly url: string
  readonly port: number
  readonly audience: string
  /** Token requests received so far, refused ones included. `GET /_count` answers the same over HTTP. */
  readonly tokenRequests: number
  /** Token requests of one client; an unauthenticated request counts for nobody. */
  requestsOf(clientId: string): number
  /**
   * Resolves to a refresh token, as if a person had just signed in and consented to all scopes. It rotates: each exchange
   * gives a new one, and using an old one again revokes them all.
   */
  signIn(clientId: string, account?: string): Promise<string>
  close(): Promise<void>
}

/**
 * Starts a real OpenID provider on a loopback port. It gives JWT access tokens by the client credentials and the refresh
 * token grant, signed by a key made at start, and bound to the key of a DPoP proof where a request carries one.
 *
 * @example
 * const issuer = await startIssuer({ tokenLifetime: 60_000 })
 * // … clientCredentials({ issuer: issuer.url, clientId: 'local', clientSecret: 'local-secret', allowInsecure: true })
 * await issuer.close()
 */
export async function startIssuer(options: IssuerOptions = {}): Promise<Issuer> {
  const audience = options.audience ?? 'urn:warmtoken:api'
  const byClient = new Map<string, number>()
  let tokenRequests = 0
  let provide: RequestListener = (_request, response) => void response.writeHead(503).end()

  const server = createServer((request, response) => {
    if (request.method !== 'GET' || request.url !== '/_count') return provide(request, response)
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ tokenRequests, clients: Object.fromEntries(byClient) }))
  })
  // The issuer identifier holds the port, so the port comes first and the provider second.
  const { url, port, close } = await listen(server, { port: options.port ?? 0 })
  const provider = new Provider(url, await configuration(options, audience))
  provider.use(async (context, next) => {
    if (!isTokenRequest(context)) return next()
    tokenRequests += 1
    if (options.delay) await sleep(options.delay)
    await next()
    const client = context.oidc?.client?.clientId
    if (client !== undefined) byClient.set(client, (byClient.get(client) ?? 0) + 1)
  })
  provide = provider.callback()

  return {
    url,
    port,
    audience,
    get tokenRequests() {
      return tokenRequests
    },
    requestsOf: (clientId) => byClient.get(clientId) ?? 0,
    signIn: (clientId, account = 'someone') =>
      signIn(provider, { clientId, account, audience, scope: scopesOf(options).join(' ') }),
    close,
  }
}

function isTokenRequest({ method, path }: Context): boolean {
  return method === 'POST' && path === '/token'
}

function scopesOf(options: IssuerOptions): readonly string[] {
  return options.scopes ?? ['contacts:read']
}

/** What the provider itself does once a person has signed in and consented. */
async function signIn(
  provider: Provider,
  consent: { readonly clientId: string; readonly account: string; readonly audience: string; readonly scope: string },
): Promise<string> {
  const { clientId, account, audience, scope } = consent
  const client = await provider.Client.find(clientId)
  if (client === undefined) throw new Error(`the issuer has no client ${clientId}`)
  const grant = new provider.Grant({ accountId: account, clientId })
  grant.addResourceScope(audience, scope)
  const grantId = await grant.save()
  const given = { accountId: account, client, grantId, gty: 'authorization_code', resource: audience, scope }
  return new provider.RefreshToken(given).save()
}

async function configuration(options: IssuerOptions, audience: string) {
  const scopes = scopesOf(options)
  const clients = options.clients ?? [{ id: 'local', secret: 'local-secret' }]
  const lifetime = Math.round((options.tokenLifetime ?? 3_600_000) / 1000)
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  return {
    // Keys, an adapter, a life and no development interactions: otherwise the provider warns that its defaults are in use.
    adapter: memoryAdapter,
    jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'ES256', use: 'sig', kid: 'local' }] },
    cookies: { keys: [randomBytes(16).toString('hex')] },
    clients: clients.map(registration),
    scopes,
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'private_key_jwt'],
    enabledJWA: { clientAuthSigningAlgValues: ['HS256', 'RS256', 'PS256', 'ES256', 'EdDSA'] },
    findAccount: (_context: unknown, accountId: string) => ({ accountId, claims: () => ({ sub: accountId }) }),
    // Saying so is what makes the provider offer the refresh token grant.
    issueRefreshToken: () => true,
    rotateRefreshToken: true,
    responseTypes: [],
    ttl: { ClientCredentials: lifetime, AccessToken: lifetime, RefreshToken: 86_400, Grant: 86_400 },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      dPoP: { enabled: true, nonceSecret: randomBytes(32), requireNonce: () => options.dpopNonce === true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => audience,
        getResourceServerInfo: () => ({
          audience,
          scope: scopes.join(' '),
          accessTokenFormat: 'jwt',
          accessTokenTTL: lifetime,
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
  }
}

function registration(client: IssuerClient) {
  return {
    client_id: client.id,
    ...(client.jwks ? { jwks: client.jwks } : { client_secret: client.secret }),
    token_endpoint_auth_method: client.jwks ? 'private_key_jwt' : `client_secret_${client.authentication ?? 'basic'}`,
    id_token_signed_response_alg: 'ES256',
    grant_types: ['client_credentials', 'refresh_token'],
    redirect_uris: [],
    response_types: [],
  }
}
