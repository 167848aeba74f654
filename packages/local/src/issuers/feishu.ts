import { randomBytes } from 'node:crypto'
import { answer, createFeishuApi } from './feishu-api.ts'
import { type PushedEvent, ticketEvent } from './feishu-push.ts'
import {
  extend,
  type ImitatedAnswer,
  type ImitatedRequest,
  type Imitation,
  type ImitationOptions,
  startImitation,
} from './imitation.ts'
import { createRateLimit } from './rate-limit.ts'
import { createSameTokens } from './same-token.ts'

/** What {@link startFeishu} takes; everything has a default. */
export interface FeishuImitationOptions extends ImitationOptions {
  /** The app. Default `cli_local`. */
  readonly appId?: string
  /** Its secret. Default `local-secret`. */
  readonly appSecret?: string
  /** How long a token lives, in ms. Default two hours, as the platform's. */
  readonly lifetime?: number
  /** The companies that installed the app. Default `tenant-1` and `tenant-2`. */
  readonly tenants?: readonly string[]
  /** Token requests in one minute; more are answered 429 with `Retry-After`. Default: no limit. */
  readonly limit?: number
  /** The status with which the API refuses a token. Default 200; the platform also has 400 and 401. */
  readonly refusalStatus?: number
  /** Where app tickets are pushed. Default: nowhere. */
  readonly webhook?: string
  /** The Verification Token of pushed events. Default `local-verification`. */
  readonly verificationToken?: string
  /** The Encrypt Key of pushed events. Default: none, they come as they are. */
  readonly encryptKey?: string
}

/** A running imitation of Feishu. */
export interface FeishuImitation extends Imitation {
  /** Different tokens made so far. */
  readonly made: number
  /** Calls of the API so far. */
  readonly apiCalls: number
  /** Requests to push the ticket again so far. */
  readonly resends: number
  /** From now on this is the app's secret. */
  setSecret(secret: string): void
  /** Makes a new ticket, the only one that is valid from now on, and gives it without pushing it. */
  newTicket(): string
  /** Makes a new ticket and pushes it; resolves to the status of the webhook, `undefined` when it could not be reached. */
  pushTicket(): Promise<number | undefined>
  /** Resolves when every push in progress is over. */
  settled(): Promise<void>
  /** The event that pushes a new ticket at an instant, to send it oneself. */
  ticketEvent(at?: number): PushedEvent & { readonly ticket: string }
  /** The issuer takes this token back: the API refuses it, and another one is given. */
  revoke(token: string): void
  /** The API refuses this token from now on, but the issuer goes on giving it. */
  refuse(token: string): void
  /** The next `times` calls of the API are answered with this code; default one. */
  answerApi(code: number, times?: number): void
}

/** With this much life left, in ms, the same token comes again. */
const REUSE = 1_800_000
const AUTH = '/open-apis/auth/v3/'

/**
 * Starts an imitation of the Feishu (Lark) platform on a loopback port: the four token endpoints, the pushed app
 * tickets, and `GET /open-apis/contact/v3/users` as the API. An error is a `code` other than 0, with HTTP 200.
 *
 * @example
 * const feishu = await startFeishu()
 * // … feishuTenant({ appId: 'cli_local', appSecret: 'local-secret', baseUrl: feishu.url, allowInsecure: true })
 * await feishu.close()
 */
export async function startFeishu(options: FeishuImitationOptions = {}): Promise<FeishuImitation> {
  const { appId = 'cli_local', verificationToken = 'local-verification', encryptKey, webhook } = options
  const tokens = createSameTokens()
  const api = createFeishuApi(tokens, options.refusalStatus ?? 200)
  const limited = createRateLimit(options.limit)
  const pushes = new Set<Promise<unknown>>()
  let secret = options.appSecret ?? 'local-secret'
  let ticket: string | undefined
  let resends = 0

  const newTicket = (): string => {
    ticket = `ticket-${randomBytes(12).toString('hex')}`
    return ticket
  }
  const eventOf = (at: number): PushedEvent & { readonly ticket: string } => {
    const fresh = newTicket()
    const settings = { verificationToken, ...(encryptKey !== undefined && { encryptKey }) }
    return { ...ticketEvent(settings, { appId, ticket: fresh, at }), ticket: fresh }
  }
  const push = async (now: number): Promise<number | undefined> => {
    const { headers, body } = eventOf(now)
    if (webhook === undefined) return undefined
    const pushing = fetch(webhook, { method: 'POST', headers, body }).then(
      async (response) => {
        await response.arrayBuffer()
        return response.status
      },
      () => undefined,
    )
    pushes.add(pushing)
    return pushing.finally(() => pushes.delete(pushing))
  }

  const give = (name: string, field: string, now: number): ImitatedAnswer => {
    const form = {
      prefix: field === 'app_access_token' ? 'a-' : 't-',
      lifetime: options.lifetime ?? 7_200_000,
      atLeast: REUSE,
    }
    const { value, endsAt } = tokens.give(name, now, form)
    return answer(0, 'ok', { [field]: value, expire: Math.floor((endsAt - now) / 1_000) })
  }
  const badApp = ({ app_id, app_secret }: ImitatedRequest['json']): ImitatedAnswer | undefined => {
    if (app_id !== appId) return answer(10003, 'invalid param')
    return app_secret === secret ? undefined : answer(10014, 'app secret invalid')
  }
  const tenantToken = ({ app_access_token, tenant_key }: ImitatedRequest['json'], now: number): ImitatedAnswer => {
    const found = tokens.find(String(app_access_token), now)
    if (typeof found !== 'object' || found.name !== 'app') return answer(99991664, 'app access token invalid')
    const known = (options.tenants ?? ['tenant-1', 'tenant-2']).includes(String(tenant_key))
    return known ? give(`tenant ${tenant_key}`, 'tenant_access_token', now) : answer(10003, 'invalid param')
  }
  const authenticate = (path: string, json: ImitatedRequest['json'], now: number): ImitatedAnswer | undefined => {
    switch (path) {
      case 'tenant_access_token/internal':
        return badApp(json) ?? give('tenant', 'tenant_access_token', now)
      case 'app_access_token/internal':
        return badApp(json) ?? give('own app', 'app_access_token', now)
      case 'app_access_token':
        if (badApp(json) === undefined && (ticket === undefined || json['app_ticket'] !== ticket))
          return answer(10012, 'app ticket invalid')
        return badApp(json) ?? give('app', 'app_access_token', now)
      case 'tenant_access_token':
        return tenantToken(json, now)
      default:
        return undefined
    }
  }

  const isToken = ({ method, path }: ImitatedRequest): boolean =>
    method === 'POST' && path.startsWith(AUTH) && path !== `${AUTH}app_ticket/resend`
  const imitation = await startImitation(options, isToken, (request, now) => {
    const { method, path, json } = request
    if (isToken(request)) return tooMany(limited(now)) ?? authenticate(path.slice(AUTH.length), json, now)
    if (method === 'POST' && path === `${AUTH}app_ticket/resend`) {
      resends += 1
      if (badApp(json) === undefined) void push(now)
      return badApp(json) ?? answer(0, 'success')
    }
    return method === 'GET' && path === '/open-apis/contact/v3/users' ? api.answer(request, now) : undefined
  })
  return extend<FeishuImitation>(imitation, {
    get made() {
      return tokens.made
    },
    get apiCalls() {
      return api.calls
    },
    get resends() {
      return resends
    },
    setSecret(next) {
      secret = next
    },
    newTicket,
    pushTicket: () => push(imitation.now()),
    async settled() {
      while (pushes.size > 0) await Promise.all(pushes)
    },
    ticketEvent: (at = imitation.now()) => eventOf(at),
    revoke: tokens.revoke,
    refuse: api.refuse,
    answerApi: api.answerNext,
  })
}

function tooMany(wait: number | undefined): ImitatedAnswer | undefined {
  return wait === undefined
    ? undefined
    : {
        status: 429,
        headers: { 'retry-after': String(wait), 'x-ogw-ratelimit-reset': String(wait) },
        body: { code: 99991400, msg: 'request trigger frequency limit' },
      }
}
