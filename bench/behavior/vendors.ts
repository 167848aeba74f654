/** The vendors' own clients, set up as their documentation does it. */

import { createRequire } from 'node:module'
import { ConfidentialClientApplication, type INetworkModule } from '@azure/msal-node'
import { Client, LoggerLevel } from '@larksuiteoapi/node-sdk'
import { createAppAuth, type StrategyOptions } from '@octokit/auth-app'
import { OAuth2Client } from 'google-auth-library'
import type { Place } from './issuers.ts'

const requireHere = createRequire(import.meta.url)
// Octokit's own way to ask, which the package brings along.
const beside = createRequire(requireHere.resolve('@octokit/auth-app'))
const { request } = beside('@octokit/request') as { readonly request: NonNullable<StrategyOptions['request']> }

async function send<T>(url: string, init: RequestInit) {
  const response = await fetch(url.replace(/^https:/, 'http:'), init)
  const text = await response.text()
  const body = (response.ok || text.startsWith('{') ? JSON.parse(text) : {}) as T
  return { status: response.status, headers: Object.fromEntries(response.headers), body }
}

/** msal insists on https; this goes to the same place by http. */
const plainHttp: INetworkModule = {
  sendGetRequestAsync: async (url, options) => send(url, { headers: options?.headers ?? {} }),
  sendPostRequestAsync: async (url, options) =>
    send(url, { method: 'POST', headers: options?.headers ?? {}, body: options?.body ?? '' }),
}

/** What msal asks for. */
export const graphScopes: string[] = ['https://graph.microsoft.com/.default']

/** msal's application; `metadata` where the issuer has none to tell. */
export function msalApp({ url, clientId, secret }: Place, metadata?: object): ConfidentialClientApplication {
  const { host } = new URL(url)
  const authority = `https://${host}/tenant-1`
  return new ConfidentialClientApplication({
    auth: {
      clientId,
      clientSecret: secret,
      authority,
      knownAuthorities: [host],
      ...(metadata && { authorityMetadata: JSON.stringify(metadata) }),
    },
    system: { networkClient: plainHttp },
  })
}

/** `acquireTokenByClientCredential`. */
export function openMsal(place: Place): () => Promise<string> {
  const app = msalApp(place)
  return async () => (await app.acquireTokenByClientCredential({ scopes: graphScopes }))?.accessToken ?? ''
}

/** The tenant token of the client, from the cache that all clients share. */
export function openFeishu({ url, clientId, secret }: Place): () => Promise<string> {
  const silent = { error() {}, warn() {}, info() {}, debug() {}, trace() {} }
  const settings = { appId: clientId, appSecret: secret, domain: url }
  const client = new Client({ ...settings, logger: silent, loggerLevel: LoggerLevel.error })
  return async () => {
    const token: unknown = await client.tokenManager.getTenantAccessToken({})
    if (typeof token !== 'string') throw new Error('no token')
    return token
  }
}

/** How octokit asks the imitation. */
export function octokitOptions({ url, clientId, secret }: Place): StrategyOptions {
  const asking = request.defaults({ baseUrl: url, headers: { 'user-agent': 'bench' } })
  return { appId: clientId, privateKey: secret, request: asking, log: { warn() {} } }
}

/** An installation's token. */
export function openOctokit(place: Place): () => Promise<string> {
  const auth = createAppAuth(octokitOptions(place))
  return async () => (await auth({ type: 'installation', installationId: 1 })).token
}

/** `OAuth2Client` with a refresh token. */
export function openGoogle({ url, clientId, secret, refreshToken = '' }: Place): () => Promise<string> {
  const endpoints = { oauth2TokenUrl: `${url}/token` }
  const client = new OAuth2Client({ clientId, clientSecret: secret, endpoints })
  client.setCredentials({ refresh_token: refreshToken })
  return async () => (await client.getAccessToken()).token ?? ''
}
