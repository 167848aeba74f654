import { randomBytes } from 'node:crypto'
import {
  extend,
  type ImitatedAnswer,
  type ImitatedRequest,
  type Imitation,
  type ImitationOptions,
  startImitation,
} from './imitation.ts'

/** How {@link startRotatingIssuer} is set up. */
export interface RotatingIssuerOptions extends ImitationOptions {
  /** The client. Default `mailer`. */
  readonly clientId?: string
  /** Its secret, by HTTP Basic or in the body. Default `mailer-secret`. */
  readonly clientSecret?: string
  /** Life of an access token in ms, rounded to whole seconds. Default one hour. */
  readonly tokenLifetime?: number
  /** Whether an exchange gives a new refresh token and spends the old one. Default true. */
  readonly rotates?: boolean
  /**
   * What happens when a refresh token that was spent is used again: `'revoke-family'` ends every token of that sign-in
   * (RFC 9700 §4.14.2); `{ grace }` gives new tokens for so many ms after it was spent, then revokes. Default
   * `'revoke-family'`.
   */
  readonly reuse?: 'revoke-family' | { readonly grace: number }
}

/** A running issuer with refresh tokens. */
export interface RotatingIssuer extends Imitation {
  /** Where refresh tokens are exchanged. */
  readonly tokenEndpoint: string
  /** `GET` with an access token answers 200 and its account, else 401 with `error="invalid_token"`. */
  readonly apiUrl: string
  /** Exchanges that gave an access token. */
  readonly exchanges: number
  /** How often a refresh token that was spent came again, tolerated or not. */
  readonly reuses: number
  /** Sign-ins whose tokens still work. */
  readonly livingFamilies: number
  /** Returns a refresh token, as if a person had just signed in: the first of a new family. */
  signIn(account?: string): string
  /** Ends every family of the account, or of all accounts, as a change of the password does. */
  revoke(account?: string): void
  /** The next `times` exchanges are made, but the connection breaks before their answer: what was spent is spent. */
  loseNext(times?: number): void
}

interface Family {
  readonly account: string
  revoked: boolean
}

interface RefreshToken {
  readonly family: Family
  spentAt: number | undefined
}

function newToken(kind: string): string {
  return `${kind}-${randomBytes(24).toString('base64url')}`
}

function refuse(error: string, status = 400): ImitatedAnswer {
  return {
    status,
    body: { error, error_description: 'said by the imitation' },
  }
}

/** Whether HTTP Basic or the form holds these exact client and secret. */
function isClient({ headers }: ImitatedRequest, form: URLSearchParams, id: string, secret: string): boolean {
  const [scheme, text = ''] = (headers.authorization ?? '').split(' ')
  if (scheme !== 'Basic') return form.get('client_id') === id && form.get('client_secret') === secret
  const half = (part: string): string => decodeURIComponent(part.replaceAll('+', ' '))
  const [user = '', password = ''] = Buffer.from(text, 'base64').toString('utf8').split(':')
  return half(user) === id && half(password) === secret
}

/**
 * Starts an OAuth 2.0 issuer whose refresh tokens rotate, on a loopback port.
 *
 * @example
 * const issuer = await startRotatingIssuer({ reuse: { grace: 2_000 } })
 * const seed = issuer.signIn('newsletter@example.com')
 */
export async function startRotatingIssuer(options: RotatingIssuerOptions = {}): Promise<RotatingIssuer> {
  const { clientId = 'mailer', clientSecret = 'mailer-secret', rotates = true, reuse = 'revoke-family' } = options
  const lifetime = Math.round((options.tokenLifetime ?? 3_600_000) / 1_000)
  const families: Family[] = []
  const refreshTokens = new Map<string, RefreshToken>()
  const accessTokens = new Map<string, { readonly family: Family; readonly until: number }>()
  let exchanges = 0
  let reuses = 0
  let losses = 0

  const keepRefreshToken = (family: Family): string => {
    const value = newToken('rt')
    refreshTokens.set(value, { family, spentAt: undefined })
    return value
  }

  /** The family of a refresh token that may be spent now; spends it. */
  const spend = (value: string, now: number): Family | undefined => {
    const token = refreshTokens.get(value)
    if (token === undefined || token.family.revoked) return undefined
    if (!rotates) return token.family
    if (token.spentAt !== undefined) {
      reuses += 1
      if (reuse === 'revoke-family' || now - token.spentAt > reuse.grace) token.family.revoked = true
      if (token.family.revoked) return undefined
    }
    token.spentAt ??= now
    return token.family
  }

  const exchange = (request: ImitatedRequest, now: number): ImitatedAnswer => {
    const form = new URLSearchParams(request.body)
    if (!isClient(request, form, clientId, clientSecret)) return refuse('invalid_client', 401)
    if (form.get('grant_type') !== 'refresh_token') return refuse('unsupported_grant_type')
    const family = spend(form.get('refresh_token') ?? '', now)
    if (family === undefined) return refuse('invalid_grant')
    exchanges += 1
    const access = newToken('at')
    accessTokens.set(access, { family, until: now + lifetime * 1_000 })
    const body = { access_token: access, token_type: 'Bearer', expires_in: lifetime }
    const answer = { body: rotates ? { ...body, refresh_token: keepRefreshToken(family) } : body }
    if (losses === 0) return answer
    losses -= 1
    // An imitation that throws cuts the connection.
    throw new Error('this answer is to be lost')
  }

  const check = ({ headers }: ImitatedRequest, now: number): ImitatedAnswer => {
    const token = accessTokens.get((headers.authorization ?? '').replace(/^Bearer /, ''))
    if (token !== undefined && !token.family.revoked && token.until > now)
      return { body: { account: token.family.account } }
    return { status: 401, headers: { 'www-authenticate': 'Bearer error="invalid_token"' }, body: refuse('').body }
  }

  const imitation = await startImitation(
    options,
    ({ path }) => path === '/token',
    (request, now) => {
      if (request.path === '/token' && request.method === 'POST') return exchange(request, now)
      return request.path === '/me' ? check(request, now) : undefined
    },
  )
  return extend<RotatingIssuer>(imitation, {
    tokenEndpoint: `${imitation.url}/token`,
    apiUrl: `${imitation.url}/me`,
    get exchanges() {
      return exchanges
    },
    get reuses() {
      return reuses
    },
    get livingFamilies() {
      return families.filter(({ revoked }) => !revoked).length
    },
    signIn(account = 'someone') {
      const family: Family = { account, revoked: false }
      families.push(family)
      return keepRefreshToken(family)
    },
    revoke(account) {
      for (const family of families) if (account === undefined || family.account === account) family.revoked = true
    },
    loseNext(times = 1) {
      losses += times
    },
  })
}
