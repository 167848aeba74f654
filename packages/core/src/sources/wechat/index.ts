/**
 * Tokens of WeChat official accounts and mini programs. What a hit loads is this definition; the request is loaded with
 * the first fetch.
 *
 * @module
 */

import type { Source, TokenValue } from '../../contracts.ts'
import { fingerprint } from '../../lib/hash.ts'
import { checkOptions, durationOrZeroRule, flagRule, textOrFunctionRule, textRule, urlRule } from '../../lib/options.ts'
import { baseUrlOf, fingerprintOf, type Secret, secretIdentity, TENCENT_TRAITS } from '../shared/definition.ts'

/** How {@link weChat} is set up. */
export interface WeChatOptions {
  /** The account's AppID. */
  readonly appId: string
  /** The account's AppSecret, or a function that gives it: called only when a token is really fetched. */
  readonly secret: Secret
  /** Where the API is. Default `https://api.weixin.qq.com`. */
  readonly baseUrl?: string
  /** Allow `http:` for an issuer on this machine. Default false. */
  readonly allowInsecure?: boolean
}

/** How {@link weChatLegacy} is set up. */
export interface WeChatLegacyOptions extends WeChatOptions {
  /**
   * How long the old token still works once a new one is issued, in ms. WeChat documents 5 minutes; how surely it keeps
   * them is for you to know. Default 0: the old one dies at once.
   */
  readonly overlap?: number
}

const RULES = { appId: textRule, secret: textOrFunctionRule, baseUrl: urlRule, allowInsecure: flagRule }

/** Five minutes before its end WeChat gives a new token, and keeps both valid for as long. */
const HANDOVER = 300_000

interface Account {
  readonly appId: string
  readonly secret: Secret
  readonly baseUrl: string
}

function accountOf(where: string, { appId, secret, baseUrl, allowInsecure }: WeChatOptions): Account {
  return {
    appId,
    secret,
    baseUrl: baseUrlOf(where, baseUrl ?? 'https://api.weixin.qq.com', allowInsecure),
  }
}

function identityOf({ appId, secret, baseUrl }: Account): { readonly [name: string]: string | null } {
  return {
    baseUrl,
    appId,
    secret: secretIdentity(secret),
  }
}

/**
 * The stable access token (`POST /cgi-bin/stable_token`): many may ask and get the same. After a rejection the token is
 * forced to be replaced when the issuer would repeat it. Throws `TypeError` that names the option when one is missing,
 * wrong or unknown.
 *
 * @example
 * ```ts
 * const wechat = tokens.use(weChat({ appId: 'wx0123456789abcdef', secret: () => secret('wechat') }))
 * ```
 */
export function weChat(options: WeChatOptions): Source<TokenValue> {
  const account = accountOf('weChat', checkOptions('weChat', options, RULES, ['appId', 'secret']))
  return {
    kind: 'wechat',
    identity: () => identityOf(account),
    secretFingerprint: fingerprintOf(account.secret),
    traits: { ...TENCENT_TRAITS, reuseWindow: HANDOVER, overlap: HANDOVER },
    async fetch(request) {
      const { requestStableToken } = await import('./token.ts')
      return requestStableToken(account, request)
    },
  }
}

/**
 * The older access token (`GET /cgi-bin/token`): each call replaces it for everyone, so only one environment may ask.
 * For accounts that share the token with a program that asks so too; otherwise {@link weChat} is the better one. Throws
 * `TypeError` that names the option when one is missing, wrong or unknown.
 *
 * @example
 * ```ts
 * const wechat = tokens.use(weChatLegacy({ appId: 'wx0123456789abcdef', secret: () => secret('wechat') }))
 * ```
 */
export function weChatLegacy(options: WeChatLegacyOptions): Source<TokenValue> {
  const given = checkOptions('weChatLegacy', options, { ...RULES, overlap: durationOrZeroRule }, ['appId', 'secret'])
  const account = accountOf('weChatLegacy', given)
  return {
    kind: 'wechat-legacy',
    identity: () => identityOf(account),
    secretFingerprint: fingerprintOf(account.secret),
    traits: { ...TENCENT_TRAITS, overlap: given.overlap ?? 0 },
    // What a fetch spends is the token that everyone holds. One more call after a crash replaces it once more.
    exclusive: { spends: () => fingerprint(JSON.stringify(identityOf(account))), afterCrash: 'repeat' },
    async fetch(request) {
      const { requestReplacingToken } = await import('./token.ts')
      return requestReplacingToken(account, request)
    },
  }
}
