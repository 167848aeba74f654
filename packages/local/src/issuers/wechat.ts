import {
  extend,
  type ImitatedAnswer,
  type ImitatedRequest,
  type Imitation,
  type ImitationOptions,
  startImitation,
} from './imitation.ts'
import { createQuota, createTokenBook, dayInChina, minuteOf, wrong } from './tencent.ts'

/** How an imitation of WeChat is set up. Durations are in ms. */
export interface WeChatImitationOptions extends ImitationOptions {
  /** Default `wx0123456789abcdef`. */
  readonly appId?: string
  /** Default `local-secret`. */
  readonly secret?: string
  /** Of a token. Default 7,200,000 (2 h). */
  readonly tokenLifetime?: number
  /** How long the older call leaves the token before alive. Default 0: it dies at once. */
  readonly legacyOverlap?: number
  /** Token requests a day in China; over it 45009. Default 500,000. */
  readonly dailyQuota?: number
  /** Token requests a minute; over it 45011. Default 10,000. */
  readonly minuteQuota?: number
}

/** A running imitation of WeChat: both token calls, and `/cgi-bin/get_api_domain_ip` as the API that checks tokens. */
export interface WeChatImitation extends Imitation {
  /** The account. */
  readonly appId: string
  /** Its secret. */
  readonly secret: string
  /** How many different tokens were given out. */
  readonly issued: number
  /** How many of them by force. */
  readonly forced: number
  /** How many API calls were accepted. */
  readonly accepted: number
  /** From now on this is the secret. */
  setSecret(secret: string): void
  /** Whether the caller's address is on the account's list; if not, 40164. */
  allowAddress(allowed: boolean): void
  /** Withdraws every token that is out, as the platform may. The stable call goes on repeating its own. */
  revokeAll(): void
}

/** Within so many ms before its end the stable token is replaced, and the old one stays for as long. */
const HANDOVER = 300_000
/** A token is replaced by force so often a day, and so many ms apart; sooner, nothing is replaced. */
const FORCED_A_DAY = 20
const FORCED_APART = 30_000

/** Starts an imitation of WeChat. */
export async function startWeChat(options: WeChatImitationOptions = {}): Promise<WeChatImitation> {
  const { appId = 'wx0123456789abcdef', tokenLifetime = 7_200_000, legacyOverlap = 0 } = options
  const book = createTokenBook(tokenLifetime)
  const isWithinDay = createQuota(options.dailyQuota ?? 500_000, dayInChina)
  const isWithinMinute = createQuota(options.minuteQuota ?? 10_000, minuteOf)
  const mayForce = createQuota(FORCED_A_DAY, dayInChina)
  let secret = options.secret ?? 'local-secret'
  let allowed = true
  let stable = ''
  let legacy = ''
  let forced = 0
  let forcedAt = Number.NEGATIVE_INFINITY
  let accepted = 0

  const tell = (value: string, now: number): ImitatedAnswer => ({
    body: { access_token: value, expires_in: Math.floor((book.endOf(value) - now) / 1_000) },
  })

  const refusalOf = (account: { grant: unknown; app: unknown; secret: unknown }, now: number) => {
    if (!isWithinMinute(now)) return wrong(45011, 'api minute-quota reach limit, must slower, retry next minute')
    if (account.grant !== 'client_credential') return wrong(40002, 'invalid grant_type')
    if (account.app !== appId) return wrong(40013, 'invalid appid')
    if (!allowed) return wrong(40164, 'invalid ip 127.0.0.1, not in whitelist')
    if (account.secret !== secret) return wrong(40125, 'invalid appsecret')
    return isWithinDay(now) ? undefined : wrong(45009, 'reach max api daily quota limit')
  }

  const force = (now: number): ImitatedAnswer => {
    if (now - forcedAt < FORCED_APART) return tell(stable, now)
    if (!mayForce(now)) return wrong(45009, 'reach max api daily quota limit')
    forcedAt = now
    forced += 1
    book.replace(stable, now)
    stable = book.issue(now)
    return tell(stable, now)
  }

  const giveStable = ({ json }: ImitatedRequest, now: number): ImitatedAnswer => {
    const refused = refusalOf({ grant: json['grant_type'], app: json['appid'], secret: json['secret'] }, now)
    if (refused !== undefined) return refused
    const left = book.endOf(stable) - now
    if (json['force_refresh'] === true && left > 0) return force(now)
    if (left <= HANDOVER) {
      if (left > 0) book.extend(stable, now + HANDOVER)
      stable = book.issue(now)
    }
    return tell(stable, now)
  }

  const giveLegacy = ({ query }: ImitatedRequest, now: number): ImitatedAnswer => {
    const account = { grant: query.get('grant_type'), app: query.get('appid'), secret: query.get('secret') }
    const refused = refusalOf(account, now)
    if (refused !== undefined) return refused
    book.replace(legacy, now + legacyOverlap)
    legacy = book.issue(now)
    return tell(legacy, now)
  }

  const answerApi = ({ query }: ImitatedRequest, now: number): ImitatedAnswer => {
    const refused = book.refusalOf(query.get('access_token'), now)
    if (refused !== undefined) return refused
    accepted += 1
    return { body: { ip_list: ['127.0.0.1'] } }
  }

  const answers: { readonly [call: string]: (request: ImitatedRequest, now: number) => ImitatedAnswer } = {
    'POST /cgi-bin/stable_token': giveStable,
    'GET /cgi-bin/token': giveLegacy,
    'GET /cgi-bin/get_api_domain_ip': answerApi,
    'POST /cgi-bin/get_api_domain_ip': answerApi,
  }
  const imitation = await startImitation(
    options,
    ({ path }) => path === '/cgi-bin/stable_token' || path === '/cgi-bin/token',
    (request, now) => answers[`${request.method} ${request.path}`]?.(request, now),
  )
  return extend<WeChatImitation>(imitation, {
    appId,
    get secret() {
      return secret
    },
    get issued() {
      return book.size
    },
    get forced() {
      return forced
    },
    get accepted() {
      return accepted
    },
    setSecret(next) {
      secret = next
    },
    allowAddress(next) {
      allowed = next
    },
    revokeAll: () => book.replaceAll(imitation.now()),
  })
}
