/** What each library does when an API refuses its token: the way to say so that its documentation shows. */

import { createAppAuth } from '@octokit/auth-app'
import { createTokens, type Token, type TokenHandle } from '@warmtoken/core'
import { feishuTenant } from '@warmtoken/core/feishu'
import { memoryStore } from '@warmtoken/core/memory'
import { OAuth2Client } from 'google-auth-library'
import { warmtokenHandle } from './caches.ts'
import { movedRuntime } from './clock.ts'
import type { Place } from './issuers.ts'
import { graphScopes, msalApp, octokitOptions } from './vendors.ts'

/** Asks for a token. */
export type Get = () => Promise<unknown>

/** A client that can be told that its token was refused. */
export interface Refusable {
  readonly get: Get
  /** Resolves to the token to go on with. */
  readonly refused: Get
}

function refusableHandle(handle: TokenHandle): Refusable {
  let last: Token | undefined
  const get = async (): Promise<Token> => {
    last = await handle.get()
    return last
  }
  return {
    get,
    async refused() {
      last = await handle.reject(last ?? (await get()))
      return last
    },
  }
}

/** warmtoken with a source for an issuer that repeats its token. */
export function openRepeating({ url, clientId, secret }: Place): Refusable {
  const tokens = createTokens({ store: memoryStore(movedRuntime), directory: false, runtime: movedRuntime })
  return refusableHandle(
    tokens.use(feishuTenant({ appId: clientId, appSecret: secret, baseUrl: url, allowInsecure: true })),
  )
}

function openMsal(place: Place): Refusable {
  const app = msalApp(place)
  const ask = (skipCache: boolean) => app.acquireTokenByClientCredential({ scopes: graphScopes, skipCache })
  return { get: () => ask(false), refused: () => ask(true) }
}

function openOctokit(place: Place): Refusable {
  const auth = createAppAuth(octokitOptions(place))
  const ask = (refresh: boolean) => auth({ type: 'installation', installationId: 1, refresh })
  return { get: () => ask(false), refused: () => ask(true) }
}

function openGoogle({ url, clientId, secret, refreshToken = '' }: Place): Refusable {
  const client = new OAuth2Client({ clientId, clientSecret: secret, endpoints: { oauth2TokenUrl: `${url}/token` } })
  client.setCredentials({ refresh_token: refreshToken })
  return { get: () => client.getAccessToken(), refused: () => client.refreshAccessToken() }
}

/** By the name of the column. The others have no way to say it. */
export const REFUSABLE: { readonly [name: string]: (place: Place) => Refusable } = {
  warmtoken: (place) => refusableHandle(warmtokenHandle(place, memoryStore(movedRuntime))),
  'msal-node': openMsal,
  'octokit auth-app': openOctokit,
  'google-auth-library': openGoogle,
}
