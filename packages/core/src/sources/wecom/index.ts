/**
 * Tokens of WeCom (WeChat Work) applications. What a hit loads is this definition; the request is loaded with the first
 * fetch.
 *
 * @module
 */

import type { Source, TokenValue } from '../../contracts.ts'
import { checkOptions, flagRule, textOrFunctionRule, textRule, urlRule } from '../../lib/options.ts'
import { baseUrlOf, fingerprintOf, type Secret, secretIdentity, TENCENT_TRAITS } from '../shared/definition.ts'

/** How {@link weCom} is set up. */
export interface WeComOptions {
  /** The company's id. */
  readonly corpId: string
  /** The application's secret, or a function that gives it: called only when a token is really fetched. */
  readonly corpSecret: Secret
  /**
   * A name for the application; any, it is not sent. It keeps the tokens of a company's applications apart, so it is
   * required when `corpSecret` is a function. Default: the secret itself tells them apart.
   */
  readonly application?: string
  /** Where the API is. Default `https://qyapi.weixin.qq.com`. */
  readonly baseUrl?: string
  /** Allow `http:` for an issuer on this machine. Default false. */
  readonly allowInsecure?: boolean
}

const RULES = {
  corpId: textRule,
  corpSecret: textOrFunctionRule,
  application: textRule,
  baseUrl: urlRule,
  allowInsecure: flagRule,
}

/** The same token comes until it ends, so asking more than a few seconds before is useless. In ms. */
const REUSE_WINDOW = 5_000

/**
 * The access token of one application of a company (`GET /cgi-bin/gettoken`). Throws `TypeError` that names the option
 * when one is missing, wrong or unknown.
 *
 * @example
 * ```ts
 * const wecom = tokens.use(
 *   weCom({ corpId: 'ww0123456789abcdef', application: 'approvals', corpSecret: () => secret('wecom-approvals') }),
 * )
 * ```
 */
export function weCom(options: WeComOptions): Source<TokenValue> {
  const given = checkOptions('weCom', options, RULES, ['corpId', 'corpSecret'])
  const { corpId, corpSecret, application = null } = given
  if (typeof corpSecret === 'function' && application === null)
    throw new TypeError('weCom: option "application" is required when option "corpSecret" is a function')
  const baseUrl = baseUrlOf('weCom', given.baseUrl ?? 'https://qyapi.weixin.qq.com', given.allowInsecure)
  return {
    kind: 'wecom',
    identity: () => ({ baseUrl, corpId, application, secret: secretIdentity(corpSecret) }),
    secretFingerprint: fingerprintOf(corpSecret),
    traits: { ...TENCENT_TRAITS, reuseWindow: REUSE_WINDOW },
    async fetch({ signal }) {
      const { requestCompanyToken } = await import('./token.ts')
      return requestCompanyToken({ baseUrl, corpId, corpSecret }, signal)
    },
  }
}
