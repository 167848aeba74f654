/**
 * Tokens of DingTalk applications. What a hit loads is this definition; the request is loaded with the first fetch.
 *
 * @module
 */

import type { ApiRequest, Source, TokenValue } from '../../contracts.ts'
import { checkOptions, flagRule, textOrFunctionRule, textRule, textsRule, urlRule } from '../../lib/options.ts'
import { asFields } from '../../lib/parse.ts'
import { baseUrlOf, fingerprintOf, type Secret, secretIdentity } from '../shared/definition.ts'

/** How {@link dingTalk} is set up. */
export interface DingTalkOptions {
  /** The application's AppKey, also called Client ID. */
  readonly appKey: string
  /** The application's AppSecret, or a function that gives it: called only when a token is really fetched. */
  readonly appSecret: Secret
  /** Where the API is. Default `https://api.dingtalk.com`. */
  readonly baseUrl?: string
  /**
   * The values of `code` or `errcode` in an API's answer that say that the token is refused, as texts. Default
   * `InvalidAuthentication` (api.dingtalk.com), `40014` and `42001` (oapi.dingtalk.com, with HTTP 200).
   */
  readonly rejectionCodes?: readonly string[]
  /** Allow `http:` for an issuer on this machine. Default false. */
  readonly allowInsecure?: boolean
}

const RULES = {
  appKey: textRule,
  appSecret: textOrFunctionRule,
  baseUrl: urlRule,
  rejectionCodes: textsRule,
  allowInsecure: flagRule,
}

/** APIs with a version in their path take the token in a header of their own, the older ones only in the address. */
function attach({ url, headers }: ApiRequest, { value }: TokenValue): void {
  if (/\/v\d+\.\d+\//.test(url.pathname)) headers.set('x-acs-dingtalk-access-token', value)
  else url.searchParams.set('access_token', value)
}

/**
 * The access token of an application (`POST /v1.0/oauth2/accessToken`). `fetch` sends it as DingTalk requires it: in the
 * header `x-acs-dingtalk-access-token`, or to the older APIs (`/topapi/…`) in the address. Throws `TypeError` that names the option when one is missing, wrong or unknown.
 *
 * @example
 * ```ts
 * const dingtalk = tokens.use(dingTalk({ appKey: 'ding0123456789', appSecret: () => secret('dingtalk') }))
 * ```
 */
export function dingTalk(options: DingTalkOptions): Source<TokenValue> {
  const given = checkOptions('dingTalk', options, RULES, ['appKey', 'appSecret'])
  const { appKey, appSecret, rejectionCodes = ['InvalidAuthentication', '40014', '42001'] } = given
  const baseUrl = baseUrlOf('dingTalk', given.baseUrl ?? 'https://api.dingtalk.com', given.allowInsecure)
  return {
    kind: 'dingtalk',
    identity: () => ({ baseUrl, appKey, secret: secretIdentity(appSecret) }),
    secretFingerprint: fingerprintOf(appSecret),
    traits: {
      attach,
      // No reuse window: while a token is valid it comes again, but with its life renewed, so asking early is of use.
      async isRejection(answer) {
        if (answer.status === 401) return true
        const fields = asFields(await answer.json())
        return rejectionCodes.includes(String(fields?.['code'] ?? fields?.['errcode']))
      },
    },
    async fetch({ signal }) {
      const { requestDingTalkToken } = await import('./token.ts')
      return requestDingTalkToken({ baseUrl, appKey, appSecret }, signal)
    },
  }
}
