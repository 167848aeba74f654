import { randomBytes } from 'node:crypto'
import type { ImitatedAnswer } from './imitation.ts'

/** An error as WeChat and WeCom answer it: with HTTP 200. */
export function wrong(errcode: number, errmsg: string): ImitatedAnswer {
  return { body: { errcode, errmsg } }
}

/** The tokens that are out. */
export interface TokenBook {
  /** How many were given out. */
  readonly size: number
  /** A new token that lives from now. */
  issue(now: number): string
  /** When the token ends, in ms since 1970. */
  endOf(value: string): number
  /** Lets it live until then. */
  extend(value: string, until: number): void
  /** From then on it is refused as replaced. */
  replace(value: string, at: number): void
  /** Every token is refused as replaced. */
  replaceAll(at: number): void
  /** The API's refusal of a token, `undefined` when it is good. */
  refusalOf(value: string | null, now: number): ImitatedAnswer | undefined
}

interface Given {
  until: number
  replacedAt: number
}

/** Keeps tokens of one account, which live so many ms each. */
export function createTokenBook(lifetime: number): TokenBook {
  const given = new Map<string, Given>()
  const change = (value: string, changes: Partial<Given>): void => {
    const token = given.get(value)
    if (token !== undefined) Object.assign(token, changes)
  }
  return {
    get size() {
      return given.size
    },
    issue(now) {
      const value = `${given.size + 1}_${randomBytes(48).toString('base64url')}`
      given.set(value, { until: now + lifetime, replacedAt: Number.POSITIVE_INFINITY })
      return value
    },
    endOf: (value) => given.get(value)?.until ?? 0,
    extend: (value, until) => change(value, { until }),
    replace: (value, replacedAt) => change(value, { replacedAt }),
    replaceAll(replacedAt) {
      for (const value of given.keys()) change(value, { replacedAt })
    },
    refusalOf(value, now) {
      if (value === null || value === '') return wrong(41001, 'access_token missing')
      if (!/^\d+_[\w-]{64}$/.test(value)) return wrong(40014, 'invalid access_token')
      const token = given.get(value)
      if (token === undefined || token.replacedAt <= now)
        return wrong(40001, 'invalid credential, access_token is invalid or not latest')
      return token.until <= now ? wrong(42001, 'access_token expired') : undefined
    },
  }
}

/** Counts within a span of time and forgets with the next; the returned function says whether one more is allowed. */
export function createQuota(limit: number, spanOf: (now: number) => number): (now: number) => boolean {
  let span = Number.NaN
  let used = 0
  return (now) => {
    if (spanOf(now) !== span) used = 0
    span = spanOf(now)
    used += 1
    return used <= limit
  }
}

/** The number of the day in China (UTC+8), where these issuers count their days. */
export function dayInChina(now: number): number {
  return Math.floor((now + 8 * 3_600_000) / 86_400_000)
}

/** The number of the minute. */
export function minuteOf(now: number): number {
  return Math.floor(now / 60_000)
}
