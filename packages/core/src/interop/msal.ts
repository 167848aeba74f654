/**
 * Tokens for `@azure/msal-node`: a cache plugin for its `ConfidentialClientApplication`, so that
 * `acquireTokenByClientCredential` finds ours and never asks for its own.
 *
 * @module
 */

import { checkOptions, shaped, textRule, textsRule } from '../lib/options.ts'
import type { TokenHandle } from '../tokens/types.ts'

/** How {@link msalCachePlugin} is set up. All but the handle is what the application and the call have. */
export interface MsalCachePluginOptions {
  /** The handle of the token: of `clientCredentials` with the same client, tenant and scopes. */
  readonly handle: TokenHandle
  /** The application's id. */
  readonly clientId: string
  /** The tenant's id, as it stands in the authority. */
  readonly tenantId: string
  /** The scopes of the call, such as `['https://graph.microsoft.com/.default']`. */
  readonly scopes: readonly string[]
  /** The host of the authority, with its port if it has one. Default `login.microsoftonline.com`. */
  readonly authorityHost?: string
}

/** msal's `ICachePlugin`, as far as it is used. */
export interface MsalCachePlugin {
  /** Puts the token into the application's memory, where msal looks next. Rejects like `get` of a handle. */
  beforeCacheAccess(context: { readonly tokenCache: { deserialize(cache: string): void } }): Promise<void>
  /** Does nothing: what msal has in memory is not taken over. */
  afterCacheAccess(context: unknown): Promise<void>
}

const RULES = {
  handle: shaped('get', 'peek'),
  clientId: textRule,
  tenantId: textRule,
  scopes: textsRule,
  authorityHost: textRule,
}

/** msal takes a token for expired 300 s before its end, by clocks rounded to seconds. In ms. */
const MARGIN = 302_000

/**
 * The cache plugin of one application for one token; msal does not say which token it looks for. Calls for other tenants
 * or scopes find nothing and are msal's own. Throws `TypeError` for wrong options.
 *
 * A token with less than five minutes left, if none with more is available, is reported to msal as one of five minutes, or msal
 * would not use it; `extExpiresOn` of msal's answer is always the true end.
 *
 * @example
 * ```ts
 * const cachePlugin = msalCachePlugin({ handle: tokens.use(clientCredentials({ … })), clientId, tenantId, scopes })
 * const app = new ConfidentialClientApplication({ auth: { clientId, authority, clientSecret }, cache: { cachePlugin } })
 * ```
 */
export function msalCachePlugin(options: MsalCachePluginOptions): MsalCachePlugin {
  const required = ['handle', 'clientId', 'tenantId', 'scopes']
  const { handle, clientId, tenantId, scopes, ...given } = checkOptions('msalCachePlugin', options, RULES, required)
  const environment = (given.authorityHost ?? 'login.microsoftonline.com').toLowerCase()
  const target = scopes.join(' ')
  const fixed = { home_account_id: '', environment, credential_type: 'AccessToken', client_id: clientId }
  const key = ['', environment, 'AccessToken', clientId, tenantId, target, ''].join('-').toLowerCase()
  return {
    async beforeCacheAccess({ tokenCache }) {
      const token = handle.peek(MARGIN) ?? (await handle.get({ minLifetime: MARGIN }))
      const now = Date.now()
      const seconds = (left: number): string => String(Math.floor((now + left) / 1_000))
      const lifetime = { cached_at: seconds(-token.age()), expires_on: seconds(Math.max(token.remaining(), MARGIN)) }
      const entity = { ...fixed, realm: tenantId, target, secret: token.value, token_type: 'Bearer', ...lifetime }
      const AccessToken = { [key]: { ...entity, extended_expires_on: seconds(token.remaining()) } }
      tokenCache.deserialize(JSON.stringify({ AccessToken }))
    },
    async afterCacheAccess() {},
  }
}
