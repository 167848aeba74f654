/**
 * Tokens of Feishu and Lark, for your own apps and for apps of the store. What a hit loads is this definition; the
 * requests are loaded with the first fetch.
 *
 * @module
 */

import type { Source, TokenValue, Traits } from '../../contracts.ts'
import { checkOptions, flagRule, shaped, textOrFunctionRule, textRule, urlRule } from '../../lib/options.ts'
import { asFields } from '../../lib/parse.ts'
import { baseUrlOf, fingerprintOf, type Secret, secretIdentity } from '../shared/definition.ts'
import type { TicketInbox } from './inbox.ts'
import type { KeptAppToken } from './store-token.ts'
import type { FeishuApp, TokenField } from './token.ts'

export { type TicketInbox, type TicketInboxOptions, ticketInbox } from './inbox.ts'
export {
  type TicketWebhookOptions,
  ticketWebhook,
  type WebhookAnswer,
  type WebhookRequest,
} from './webhook.ts'

/** How {@link feishuTenant} and {@link feishuApp} are set up. */
export interface FeishuOptions {
  /** The app's id, such as `cli_9f3ca975326b501b`. */
  readonly appId: string
  /** The app's secret, or a function that gives it: called only when a token is really fetched. */
  readonly appSecret: Secret
  /** Where the API is. Default `https://open.feishu.cn`; for Lark `https://open.larksuite.com`. */
  readonly baseUrl?: string
  /** Allow `http:` for an issuer on this machine. Default false. */
  readonly allowInsecure?: boolean
}

/** How {@link feishuStoreApp} and {@link feishuStoreTenant} are set up. */
export interface FeishuStoreOptions extends FeishuOptions {
  /** Where the app tickets arrive that the platform pushes; see `ticketInbox`. Of the same app. */
  readonly inbox: TicketInbox
}

/** Which token of {@link feishuStoreTenant} is meant. */
export interface FeishuTenantParameters {
  /** The company that installed the app, as the platform names it (`tenant_key`). */
  readonly tenantKey: string
}

const RULES = { appId: textRule, appSecret: textOrFunctionRule, baseUrl: urlRule, allowInsecure: flagRule }
const STORE_RULES = { ...RULES, inbox: shaped('put', 'get') }
const REQUIRED = ['appId', 'appSecret']

/** With this much life left or more the same token comes again; below, a new one, and both are valid. In ms. */
const REUSE_WINDOW = 1_800_000
/** The token is missing, malformed, unknown or expired. Often with HTTP 200. */
const REJECTED: readonly unknown[] = [99991661, 99991663, 99991664, 99991671, 99991677]
/** A right is missing: a new token would not have it either. */
const NOT_PERMITTED: readonly unknown[] = [99991672, 99991676]

const isRejection: NonNullable<Traits['isRejection']> = async (answer) => {
  const code = asFields(await answer.json())?.['code']
  return REJECTED.includes(code) || (answer.status === 401 && !NOT_PERMITTED.includes(code))
}

/** What the four sources have in common. */
function define(where: string, kind: string, options: FeishuOptions) {
  const { appId, appSecret, allowInsecure } = options
  const baseUrl = baseUrlOf(where, options.baseUrl ?? 'https://open.feishu.cn', allowInsecure)
  const app: FeishuApp = { baseUrl, appId, appSecret }
  return {
    app,
    identity: { baseUrl, appId, secret: secretIdentity(appSecret) },
    common: {
      kind,
      secretFingerprint: fingerprintOf(appSecret),
      traits: { reuseWindow: REUSE_WINDOW, isRejection },
    },
  }
}

function selfBuilt(where: string, kind: string, field: TokenField, options: FeishuOptions): Source<TokenValue> {
  const { app, identity, common } = define(where, kind, checkOptions(where, options, RULES, REQUIRED))
  return {
    ...common,
    identity: () => identity,
    async fetch({ signal }) {
      const { requestInternalToken } = await import('./token.ts')
      return requestInternalToken(app, field, signal)
    },
  }
}

function fromStore(where: string, kind: string, options: FeishuStoreOptions) {
  const given = checkOptions(where, options, STORE_RULES, [...REQUIRED, 'inbox'])
  if (given.inbox.appId !== given.appId)
    throw new TypeError(`${where}: option "inbox" must be the ticket inbox of the app that option "appId" names`)
  return { ...define(where, kind, given), inbox: given.inbox }
}

/**
 * The tenant access token of your own app. Throws `TypeError` that names the option when one is missing, wrong or
 * unknown.
 *
 * @example
 * ```ts
 * const feishu = tokens.use(feishuTenant({ appId: 'cli_9f3ca975326b501b', appSecret: () => secret('feishu') }))
 * ```
 */
export function feishuTenant(options: FeishuOptions): Source<TokenValue> {
  return selfBuilt('feishuTenant', 'feishu-tenant', 'tenant_access_token', options)
}

/** The app access token of your own app. Throws `TypeError` that names the option when one is missing, wrong or unknown. */
export function feishuApp(options: FeishuOptions): Source<TokenValue> {
  return selfBuilt('feishuApp', 'feishu-app', 'app_access_token', options)
}

/**
 * The app access token of a store app, made from the ticket in the inbox. Throws `TypeError` that names the option when
 * one is missing, wrong or unknown.
 */
export function feishuStoreApp(options: FeishuStoreOptions): Source<TokenValue> {
  const { app, identity, common, inbox } = fromStore('feishuStoreApp', 'feishu-store-app', options)
  return {
    ...common,
    identity: () => identity,
    async fetch({ signal }) {
      const { requestStoreAppToken } = await import('./store-token.ts')
      return requestStoreAppToken({ ...app, inbox }, signal)
    },
  }
}

/**
 * The tenant access tokens of a store app, one for each company that installed it. The app token on the way is kept in
 * this process only. Throws `TypeError` that names the option when one is missing, wrong or unknown; `.for({})` without
 * a `tenantKey` throws `TypeError` too.
 *
 * @example
 * ```ts
 * const inbox = ticketInbox({ store, codec, appId: 'cli_9f3ca975326b501b' })
 * const tenants = tokens.use(feishuStoreTenant({ appId: 'cli_9f3ca975326b501b', appSecret: () => secret('feishu'), inbox }))
 * const token = await tenants.for({ tenantKey: '736588c9260f175d' }).get()
 * ```
 */
export function feishuStoreTenant(options: FeishuStoreOptions): Source<TokenValue, FeishuTenantParameters> {
  const { app, identity, common, inbox } = fromStore('feishuStoreTenant', 'feishu-store-tenant', options)
  const kept: KeptAppToken = { current: undefined, asking: undefined }
  return {
    ...common,
    parameters: true,
    identity: (params) => {
      const tenantKey: unknown = params?.tenantKey
      if (typeof tenantKey !== 'string' || tenantKey === '')
        throw new TypeError('feishuStoreTenant: the parameter "tenantKey" must be a non-empty string')
      return { ...identity, tenantKey }
    },
    async fetch({ params, signal }) {
      const { requestStoreTenantToken } = await import('./store-token.ts')
      return requestStoreTenantToken({ ...app, inbox, kept }, params.tenantKey, signal)
    },
  }
}
