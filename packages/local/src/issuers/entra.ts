import { randomBytes } from 'node:crypto'
import {
  extend,
  type ImitatedAnswer,
  type ImitatedRequest,
  type Imitation,
  type ImitationOptions,
  startImitation,
} from './imitation.ts'

/** How {@link startEntra} is set up. Durations are in ms. */
export interface EntraImitationOptions extends ImitationOptions {
  /** The application. Default `11111111-1111-4111-8111-111111111111`. */
  readonly clientId?: string
  /** Its secret. Default `local-secret`. */
  readonly clientSecret?: string
  /** The tenants in which it is known. Default `tenant-1` and `tenant-2`. */
  readonly tenants?: readonly string[]
  /** Of a token. Default 3,599,000 (an hour less a second). */
  readonly tokenLifetime?: number
}

/** A running imitation of Microsoft Entra ID. */
export interface EntraImitation extends Imitation {
  /** The application's id. */
  readonly clientId: string
  /** Its host and port. */
  readonly host: string
  /** How many tokens were given out; each request gets a new one. */
  readonly issued: number
  /** The tenant that a token is of, `undefined` when it is none of ours or has expired. */
  tenantOf(token: string): string | undefined
}

function refuse(status: number, error: string, number: number): ImitatedAnswer {
  return {
    status,
    body: { error, error_description: `AADSTS${number}: said by the imitation`, error_codes: [number] },
  }
}

/** Who asks: HTTP Basic, both halves form-encoded (RFC 6749 §2.3.1), or the form. */
function clientOf({ headers }: ImitatedRequest, form: URLSearchParams): readonly (string | null)[] {
  const [scheme, text = ''] = (headers.authorization ?? '').split(' ')
  if (scheme !== 'Basic') return [form.get('client_id'), form.get('client_secret')]
  const halves = Buffer.from(text, 'base64').toString('utf8').split(':')
  return halves.map((half) => decodeURIComponent(half.replaceAll('+', ' ')))
}

/**
 * Starts an imitation of Microsoft Entra ID on a loopback port: `/{tenant}/oauth2/v2.0/token` with the client credentials
 * grant, and the metadata of each tenant. It names itself by `https`, which msal insists on, and listens on `http`: the
 * client of a test has to go there.
 */
export async function startEntra(options: EntraImitationOptions = {}): Promise<EntraImitation> {
  const { clientId = '11111111-1111-4111-8111-111111111111', clientSecret = 'local-secret' } = options
  const tenants = options.tenants ?? ['tenant-1', 'tenant-2']
  const lifetime = Math.floor((options.tokenLifetime ?? 3_599_000) / 1_000)
  const tokens = new Map<string, { readonly tenant: string; readonly until: number }>()

  const give = (tenant: string, request: ImitatedRequest, now: number): ImitatedAnswer => {
    const form = new URLSearchParams(request.body)
    const [id, secret] = clientOf(request, form)
    if (!tenants.includes(tenant)) return refuse(400, 'invalid_request', 90002)
    if (form.get('grant_type') !== 'client_credentials') return refuse(400, 'unsupported_grant_type', 70003)
    if (id !== clientId) return refuse(400, 'unauthorized_client', 700016)
    if (secret !== clientSecret) return refuse(401, 'invalid_client', 7000215)
    // Without a user there is nobody to ask for single scopes.
    if (!/^\S+\/\.default$/.test(form.get('scope') ?? '')) return refuse(400, 'invalid_scope', 1002012)
    const value = `entra-${randomBytes(24).toString('base64url')}`
    tokens.set(value, { tenant, until: now + lifetime * 1_000 })
    return { body: { token_type: 'Bearer', expires_in: lifetime, ext_expires_in: lifetime, access_token: value } }
  }

  const describe = (tenant: string, { headers }: ImitatedRequest): ImitatedAnswer => {
    const base = `https://${headers.host}/${tenant}`
    const endpoints = {
      authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
      jwks_uri: `${base}/discovery/v2.0/keys`,
    }
    return { body: { issuer: `${base}/v2.0`, token_endpoint: `${base}/oauth2/v2.0/token`, ...endpoints } }
  }

  const tokenTenant = ({ method, path }: ImitatedRequest): string | undefined =>
    method === 'POST' ? /^\/([^/]+)\/oauth2\/v2\.0\/token$/.exec(path)?.[1] : undefined
  const imitation = await startImitation(
    options,
    (request) => tokenTenant(request) !== undefined,
    (request, now) => {
      const tenant = tokenTenant(request)
      if (tenant !== undefined) return give(tenant, request, now)
      const described = /^\/([^/]+)\/v2\.0\/\.well-known\/openid-configuration$/.exec(request.path)?.[1]
      return described === undefined ? undefined : describe(described, request)
    },
  )
  return extend<EntraImitation>(imitation, {
    clientId,
    host: new URL(imitation.url).host,
    get issued() {
      return tokens.size
    },
    tenantOf(token) {
      const known = tokens.get(token)
      return known !== undefined && imitation.now() < known.until ? known.tenant : undefined
    },
  })
}
