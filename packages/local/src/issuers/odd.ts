import { randomBytes } from 'node:crypto'
import {
  extend,
  type ImitatedAnswer,
  type ImitatedRequest,
  type Imitation,
  type ImitationOptions,
  startImitation,
} from './imitation.ts'
import { createSameTokens } from './same-token.ts'

/** A vendor whose token endpoint differs from RFC 6749. */
export type OddVendor = 'shopify' | 'apigee' | 'box' | 'wso2' | 'supabase'

/** How {@link startOddIssuer} is set up. Durations are in ms. */
export interface OddIssuerOptions extends ImitationOptions {
  /** Whose answers it gives. */
  readonly vendor: OddVendor
  /** The client. Default `local`. */
  readonly clientId?: string
  /** Its secret. Default `local-secret`. */
  readonly clientSecret?: string
  /** How long a token lives. Default one hour. */
  readonly tokenLifetime?: number
}

/** A running imitation of such an issuer. */
export interface OddIssuer extends Imitation {
  /** The address of its token endpoint, at the vendor's path. */
  readonly tokenEndpoint: string
  /** How many different tokens it gave out. */
  readonly issued: number
  /** Whether it gave out this token, and the token still lives. */
  isValid(token: string): boolean
  /** Returns a refresh token, as if a user had just signed in. Box and Supabase accept it once and return a new one. */
  signIn(): string
}

/** What an answer is made of. */
interface Given {
  readonly token: string
  /** In seconds. */
  readonly expiresIn: number
  readonly now: number
  readonly clientId: string
  /** For the grant that rotates. */
  readonly refreshToken: string | undefined
}

interface Vendor {
  readonly path: string
  readonly prefix: string
  /** Whether the same token is returned until it expires. */
  readonly repeats?: boolean
  /** Whether it has refresh tokens. */
  readonly rotates?: boolean
  /** Parameters without which it refuses client credentials. */
  readonly requires?: readonly string[]
  /** Whether HTTP Basic is compared as it is, without decoding the halves. */
  readonly comparesAsIs?: boolean
  answer(given: Given): ImitatedAnswer
  readonly refusal: ImitatedAnswer
}

const INVALID_CLIENT: ImitatedAnswer = { status: 401, body: { error: 'invalid_client' } }

const VENDORS: { readonly [name in OddVendor]: Vendor } = {
  // Three fields, and no token_type.
  shopify: {
    path: '/admin/oauth/access_token',
    prefix: 'shpat_',
    answer: ({ token, expiresIn }) => ({
      body: { access_token: token, scope: 'read_products', expires_in: expiresIn },
    }),
    refusal: { status: 400, body: { error: 'invalid_client' } },
  },
  // Every number is a string, and the type is no scheme.
  apigee: {
    path: '/oauth/client_credential/accesstoken',
    prefix: 'apigee-',
    comparesAsIs: true,
    answer: ({ token, expiresIn, now, clientId }) => ({
      body: {
        issued_at: String(now),
        status: 'approved',
        scope: '',
        client_id: clientId,
        token_type: 'BearerToken',
        access_token: token,
        expires_in: String(expiresIn),
        refresh_token_expires_in: '0',
        refresh_count: '0',
      },
    }),
    refusal: { status: 401, body: { ErrorCode: 'invalid_client', Error: 'ClientId is Invalid' } },
  },
  // Client credentials need its own parameters; the type is in lower case.
  box: {
    path: '/oauth2/token',
    prefix: 'box-',
    rotates: true,
    requires: ['box_subject_type', 'box_subject_id'],
    answer: ({ token, expiresIn, refreshToken }) => ({
      body: {
        access_token: token,
        expires_in: expiresIn,
        restricted_to: [],
        token_type: 'bearer',
        refresh_token: refreshToken,
      },
    }),
    refusal: { status: 400, body: { error: 'invalid_client' } },
  },
  // The same token with the lifetime that it has left.
  wso2: {
    path: '/oauth2/token',
    prefix: 'wso2-',
    repeats: true,
    answer: ({ token, expiresIn }) => ({
      body: { access_token: token, scope: 'default', token_type: 'Bearer', expires_in: expiresIn },
    }),
    refusal: INVALID_CLIENT,
  },
  // Status 201.
  supabase: {
    path: '/v1/oauth/token',
    prefix: 'sbp_',
    rotates: true,
    answer: ({ token, expiresIn, refreshToken }) => ({
      status: 201,
      body: { access_token: token, refresh_token: refreshToken, token_type: 'Bearer', expires_in: expiresIn },
    }),
    refusal: INVALID_CLIENT,
  },
}

/** The client of a request: HTTP Basic, decoded or as it is, or the form. */
function clientOf({ headers }: ImitatedRequest, form: URLSearchParams, asIs: boolean): readonly (string | null)[] {
  const [scheme, text = ''] = (headers.authorization ?? '').split(' ')
  if (scheme !== 'Basic') return [form.get('client_id'), form.get('client_secret')]
  const halves = Buffer.from(text, 'base64').toString('utf8').split(':')
  return asIs ? halves : halves.map((half) => decodeURIComponent(half.replaceAll('+', ' ')))
}

/**
 * Starts an imitation of a vendor's token endpoint on a loopback port, with the vendor's deviations from RFC 6749: Shopify
 * names no `token_type`, Apigee writes numbers as strings and the type as `BearerToken` and does not decode HTTP Basic, Box
 * requires parameters of its own, WSO2 repeats its token, Supabase answers 201.
 *
 * @example
 * const shopify = await startOddIssuer({ vendor: 'shopify' })
 * // … clientCredentials({ tokenEndpoint: shopify.tokenEndpoint, clientId: 'local', clientSecret: 'local-secret', … })
 * await shopify.close()
 */
export async function startOddIssuer(options: OddIssuerOptions): Promise<OddIssuer> {
  const { clientId = 'local', clientSecret = 'local-secret', tokenLifetime = 3_600_000 } = options
  const vendor = VENDORS[options.vendor]
  const tokens = createSameTokens()
  const refreshTokens = new Set<string>()
  const signIn = (): string => {
    const token = `refresh-${randomBytes(16).toString('hex')}`
    refreshTokens.add(token)
    return token
  }

  const grant = (form: URLSearchParams): ImitatedAnswer | { readonly refreshToken: string | undefined } => {
    if (form.get('grant_type') === 'refresh_token' && vendor.rotates) {
      if (!refreshTokens.delete(form.get('refresh_token') ?? ''))
        return { status: 400, body: { error: 'invalid_grant' } }
      return { refreshToken: signIn() }
    }
    if (form.get('grant_type') !== 'client_credentials')
      return { status: 400, body: { error: 'unsupported_grant_type' } }
    const isComplete = (vendor.requires ?? []).every((name) => form.get(name))
    return isComplete ? { refreshToken: undefined } : { status: 400, body: { error: 'invalid_grant' } }
  }

  const give = (request: ImitatedRequest, now: number): ImitatedAnswer => {
    const form = new URLSearchParams(request.body)
    const [id, secret] = clientOf(request, form, vendor.comparesAsIs === true)
    if (id !== clientId || secret !== clientSecret) return vendor.refusal
    const granted = grant(form)
    if ('body' in granted) return granted
    const atLeast = vendor.repeats ? 1_000 : Number.POSITIVE_INFINITY
    const { value, endsAt } = tokens.give(id, now, { prefix: vendor.prefix, lifetime: tokenLifetime, atLeast })
    return vendor.answer({ token: value, expiresIn: Math.floor((endsAt - now) / 1_000), now, clientId, ...granted })
  }

  const isTokenRequest = ({ method, path }: ImitatedRequest): boolean => method === 'POST' && path === vendor.path
  const imitation = await startImitation(options, isTokenRequest, (request, now) =>
    isTokenRequest(request) ? give(request, now) : undefined,
  )
  return extend<OddIssuer>(imitation, {
    tokenEndpoint: imitation.url + vendor.path,
    get issued() {
      return tokens.made
    },
    isValid: (token) => typeof tokens.find(token, imitation.now()) === 'object',
    signIn,
  })
}
