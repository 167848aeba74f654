import type { ImitatedAnswer, ImitatedRequest, Imitation, ImitationOptions } from './imitation.ts'
import { extend, startImitation } from './imitation.ts'
import { createRateLimit } from './rate-limit.ts'
import { createSameTokens } from './same-token.ts'

/** What {@link startDingTalk} takes; everything has a default. */
export interface DingTalkImitationOptions extends ImitationOptions {
  /** The application. Default `ding-local`. */
  readonly appKey?: string
  /** Its secret. Default `local-secret`. */
  readonly appSecret?: string
  /** How long a token lives, in ms. Default two hours, as the platform's. */
  readonly lifetime?: number
  /** Whether a repeated request renews the lifetime of a token, as the platform documents. Default true. */
  readonly renews?: boolean
  /** Token requests in one minute; more are answered 403 with a QPS limit as the code. Default: no limit. */
  readonly limit?: number
}

/** A running imitation of DingTalk. */
export interface DingTalkImitation extends Imitation {
  /** Different tokens made so far. */
  readonly made: number
  /** Calls of the APIs so far. */
  readonly apiCalls: number
  /** From now on this is the application's secret. */
  setSecret(secret: string): void
  /** The issuer takes this token back: the APIs refuse it, and another one is given. */
  revoke(token: string): void
  /** The APIs refuse this token from now on, but the issuer goes on giving it. */
  refuse(token: string): void
}

const TOKEN = '/v1.0/oauth2/accessToken'

function error(status: number, code: string, message: string): ImitatedAnswer {
  return {
    status,
    body: { code, requestid: 'local', message },
  }
}

/**
 * Starts an imitation of the DingTalk platform on a loopback port: `POST /v1.0/oauth2/accessToken`, and as APIs
 * `GET /v1.0/contact/users/me` (a bad token is a 400) and the older `POST /topapi/v2/user/get` (a bad token is an
 * `errcode` with HTTP 200).
 *
 * @example
 * const dingtalk = await startDingTalk()
 * // … dingTalk({ appKey: 'ding-local', appSecret: 'local-secret', baseUrl: dingtalk.url, allowInsecure: true })
 * await dingtalk.close()
 */
export async function startDingTalk(options: DingTalkImitationOptions = {}): Promise<DingTalkImitation> {
  const { appKey = 'ding-local', lifetime = 7_200_000, renews = true } = options
  const tokens = createSameTokens()
  const limited = createRateLimit(options.limit)
  const refused = new Set<string>()
  let secret = options.appSecret ?? 'local-secret'
  let apiCalls = 0

  const authenticate = ({ json }: ImitatedRequest, now: number): ImitatedAnswer => {
    if (limited(now) !== undefined) return error(403, 'Forbidden.AccessDenied.QpsLimitForAppkeyAndApi', 'too many')
    if (json['appKey'] !== appKey || json['appSecret'] !== secret)
      return error(400, 'invalidClientIdOrSecret', '无效的clientId或者clientSecret')
    if (renews) tokens.renew('app', now, lifetime)
    const { value, endsAt } = tokens.give('app', now, { prefix: '', lifetime, atLeast: 1_000 })
    return { body: { accessToken: value, expireIn: Math.floor((endsAt - now) / 1_000) } }
  }
  const accepts = (token: unknown, now: number): boolean => {
    apiCalls += 1
    return typeof token === 'string' && !refused.has(token) && typeof tokens.find(token, now) === 'object'
  }

  const isToken = ({ method, path }: ImitatedRequest): boolean => method === 'POST' && path === TOKEN
  const imitation = await startImitation(options, isToken, (request, now) => {
    const { method, path, headers, query } = request
    if (isToken(request)) return authenticate(request, now)
    if (method === 'GET' && path === '/v1.0/contact/users/me') {
      const accepted = accepts(headers['x-acs-dingtalk-access-token'], now)
      return accepted ? { body: { nick: 'Ada' } } : error(400, 'InvalidAuthentication', '不合法的access_token')
    }
    if (method === 'POST' && path === '/topapi/v2/user/get') {
      const accepted = accepts(query.get('access_token'), now)
      return {
        body: accepted ? { errcode: 0, result: { name: 'Ada' } } : { errcode: 40014, errmsg: '不合法的access_token' },
      }
    }
    return undefined
  })
  return extend<DingTalkImitation>(imitation, {
    get made() {
      return tokens.made
    },
    get apiCalls() {
      return apiCalls
    },
    setSecret(next) {
      secret = next
    },
    revoke: tokens.revoke,
    refuse: (token) => void refused.add(token),
  })
}
