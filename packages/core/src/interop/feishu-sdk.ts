/**
 * Tokens for `@larksuiteoapi/node-sdk`: a `cache` for its `Client`, so that it takes ours and never asks for its own.
 *
 * @module
 */

import { checkOptions, shaped, textRule } from '../lib/options.ts'
import type { TokenFamily, TokenHandle } from '../tokens/types.ts'

/** The SDK's `Cache`: `get` resolves to the token that the key names, `set` keeps what is not a token of the app. */
export interface FeishuSdkCache {
  get(key: unknown, options?: { namespace?: string }): Promise<unknown>
  set(key: unknown, value: unknown, expire?: number, options?: { namespace?: string }): Promise<boolean>
}

/** How {@link feishuSdkCache} is set up. */
export interface FeishuSdkCacheOptions {
  /** The app's id, the same that the client and the source have. */
  readonly appId: string
  /** The handle of `feishuTenant`, for a client of your own app (`AppType.SelfBuild`). Either this or `tenants`. */
  readonly tenant?: TokenHandle
  /** What `tokens.use(feishuStoreTenant(…))` returned, for a client of a store app (`AppType.ISV`). */
  readonly tenants?: Pick<TokenFamily<{ readonly tenantKey: string }>, 'for'>
  /** A cache of the SDK for all else, such as the tokens of users. Default: none, and to keep something is a `TypeError`. */
  readonly others?: FeishuSdkCache
}

const RULES = {
  appId: textRule,
  tenant: shaped('get', 'peek'),
  tenants: ['what use(feishuStoreTenant(…)) returns', shaped('for')[1]] as const,
  others: shaped('get', 'set'),
}

/** With less life left the SDK would not use a token any more, in ms. */
const MARGIN = 180_000
const MARKET = 'larkMarketAccessToken'

/** The SDK's own keys are symbols that it does not export by a stable path; their descriptions tell them apart. */
function isSymbol(key: unknown, name: string): boolean {
  return typeof key === 'symbol' && key.description === name
}

/**
 * A cache for one client of the SDK: one for each app and host. A token that is not available rejects the SDK's call with our
 * typed error, so the SDK does not ask the platform in its own way. Throws `TypeError` for wrong options.
 *
 * @example
 * ```ts
 * const source = feishuTenant({ appId, appSecret: () => secret('feishu') })
 * const cache = feishuSdkCache({ appId, tenant: tokens.use(source) })
 * const client = new Client({ appId, appSecret: 'kept by warmtoken', cache })
 * ```
 */
export function feishuSdkCache(options: FeishuSdkCacheOptions): FeishuSdkCache {
  const { appId, tenant, tenants, others } = checkOptions('feishuSdkCache', options, RULES, ['appId'])
  if ((tenant === undefined) === (tenants === undefined))
    throw new TypeError('feishuSdkCache: give either option "tenant" or option "tenants"')
  const handleOf = (key: unknown): TokenHandle | undefined => {
    if (isSymbol(key, 'tenant-access-token')) return tenant
    return typeof key === 'string' && key.startsWith(MARKET)
      ? tenants?.for({ tenantKey: key.slice(MARKET.length) })
      : undefined
  }
  return {
    async get(key, given) {
      const handle = handleOf(key)
      // The client of a store app asks whether there is a ticket and has it pushed again if not. It needs none here.
      if (tenants !== undefined && isSymbol(key, 'app-ticket')) return 'kept by warmtoken'
      if (handle === undefined) return others?.get(key, given)
      if (given?.namespace !== appId) throw new TypeError('feishuSdkCache: a client of another app uses this cache')
      return (handle.peek(MARGIN) ?? (await handle.get({ minLifetime: MARGIN }))).value
    },
    async set(key, value, expire, given) {
      if (handleOf(key) !== undefined) return true
      if (others === undefined) throw new TypeError('feishuSdkCache: give option "others" for what is no tenant token')
      return others.set(key, value, expire, given)
    },
  }
}
