import {
  extend,
  type ImitatedAnswer,
  type ImitatedRequest,
  type Imitation,
  type ImitationOptions,
  startImitation,
} from './imitation.ts'
import { createQuota, createTokenBook, minuteOf, wrong } from './tencent.ts'

/** How an imitation of WeCom is set up. Durations are in ms. */
export interface WeComImitationOptions extends ImitationOptions {
  /** Default `ww0123456789abcdef`. */
  readonly corpId?: string
  /** The secrets of the company's applications. Default `local-secret` alone. */
  readonly secrets?: readonly string[]
  /** Of a token. Default 7,200,000 (2 h). */
  readonly tokenLifetime?: number
  /** Token requests a minute; over it 45009. Default 10,000. */
  readonly minuteQuota?: number
}

/** A running imitation of WeCom: `/cgi-bin/gettoken`, and `/cgi-bin/user/get` as the API that checks tokens. */
export interface WeComImitation extends Imitation {
  /** The company. */
  readonly corpId: string
  /** How many different tokens were given out. */
  readonly issued: number
  /** How many API calls were accepted. */
  readonly accepted: number
  /** Withdraws every token that is out, as the platform may; the next ones are new. */
  revokeAll(): void
}

/** Starts an imitation of WeCom. */
export async function startWeCom(options: WeComImitationOptions = {}): Promise<WeComImitation> {
  const { corpId = 'ww0123456789abcdef', secrets = ['local-secret'], tokenLifetime = 7_200_000 } = options
  const book = createTokenBook(tokenLifetime)
  /** The token of each application, by its secret. */
  const current = new Map(secrets.map((secret) => [secret, '']))
  const isWithinMinute = createQuota(options.minuteQuota ?? 10_000, minuteOf)
  let accepted = 0

  const giveToken = ({ query }: ImitatedRequest, now: number): ImitatedAnswer => {
    if (!isWithinMinute(now)) return wrong(45009, 'api freq out of limit')
    if (query.get('corpid') !== corpId) return wrong(40013, 'invalid corpid')
    const secret = query.get('corpsecret') ?? ''
    const known = current.get(secret)
    if (known === undefined) return wrong(40001, 'invalid credential')
    // The same one until it ends; then a new one.
    const value = book.endOf(known) > now ? known : book.issue(now)
    current.set(secret, value)
    const left = Math.floor((book.endOf(value) - now) / 1_000)
    return { body: { errcode: 0, errmsg: 'ok', access_token: value, expires_in: left } }
  }

  const answerApi = ({ query }: ImitatedRequest, now: number): ImitatedAnswer => {
    const refused = book.refusalOf(query.get('access_token'), now)
    if (refused !== undefined) return refused
    accepted += 1
    return { body: { errcode: 0, errmsg: 'ok', userid: query.get('userid') } }
  }

  const imitation = await startImitation(
    options,
    ({ path }) => path === '/cgi-bin/gettoken',
    (request, now) => {
      if (request.method === 'GET' && request.path === '/cgi-bin/gettoken') return giveToken(request, now)
      return request.path === '/cgi-bin/user/get' ? answerApi(request, now) : undefined
    },
  )
  return extend<WeComImitation>(imitation, {
    corpId,
    get issued() {
      return book.size
    },
    get accepted() {
      return accepted
    },
    revokeAll() {
      book.replaceAll(imitation.now())
      for (const secret of secrets) current.set(secret, '')
    },
  })
}
