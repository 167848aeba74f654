import { createPublicKey, type KeyObject, randomBytes, verify } from 'node:crypto'
import {
  extend,
  type ImitatedAnswer,
  type ImitatedRequest,
  type Imitation,
  type ImitationOptions,
  startImitation,
} from './imitation.ts'

/** The longest life of an assertion that Salesforce takes, in seconds. */
const MAX_ASSERTION_LIFE = 180

/** How {@link startSalesforce} is set up. */
export interface SalesforceImitationOptions extends ImitationOptions {
  /** The consumer key of the connected app. */
  readonly clientId: string
  /** The public key of its certificate, as PEM. */
  readonly publicKey: string
  /** Users that have approved the app. Default `robot@example.com`. */
  readonly users?: readonly string[]
  /** How long a session lives after its last use, in ms. Default 2 h, as in a new org. */
  readonly sessionTimeout?: number
  /** The `aud` that assertions must have. Default its own address. */
  readonly audience?: string
  /** What it says is the address of the API. Default its own. */
  readonly instanceUrl?: unknown
}

/** A running imitation of Salesforce. */
export interface SalesforceImitation extends Imitation {
  /** A resource of the API: 200 with the user, or 401 with `INVALID_SESSION_ID` in its body. */
  readonly apiPath: string
  /** Sign-ins that gave a token. */
  readonly logins: number
  /** Ends every session, as an administrator can. */
  endSessions(): void
}

interface Session {
  readonly username: string
  until: number
}

type Claims = { readonly [name: string]: unknown }

function refuse(error: string, error_description: string): ImitatedAnswer {
  return {
    status: 400,
    body: { error, error_description },
  }
}

function read(part: string): Claims {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'))
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}

/** The claims of an assertion that this key signed, `undefined` of any other. */
function verified(assertion: string, key: KeyObject): Claims | undefined {
  const [header = '', payload = '', signature = ''] = assertion.split('.')
  const good = verify('RSA-SHA256', Buffer.from(`${header}.${payload}`), key, Buffer.from(signature, 'base64url'))
  return good && read(header)['alg'] === 'RS256' ? read(payload) : undefined
}

/**
 * Starts an imitation of Salesforce on a loopback port: the JWT bearer flow, whose answers tell an `instance_url` and no
 * life, and an API whose sessions end when nobody uses them.
 *
 * @example
 * const salesforce = await startSalesforce({ clientId: '3MVG9', publicKey })
 * // … salesforce({ clientId: '3MVG9', privateKey, username: 'robot@example.com', loginUrl: salesforce.url, allowInsecure: true })
 */
export async function startSalesforce(options: SalesforceImitationOptions): Promise<SalesforceImitation> {
  const { clientId, users = ['robot@example.com'], sessionTimeout = 7_200_000 } = options
  const apiPath = '/services/data/v65.0/limits'
  const key = createPublicKey(options.publicKey)
  const sessions = new Map<string, Session>()
  let logins = 0
  let url = ''

  /** The user that an assertion stands for, or why it does not. */
  const userOf = (assertion: string, now: number): string | ImitatedAnswer => {
    const claims = verified(assertion, key)
    if (claims === undefined) return refuse('invalid_grant', 'invalid assertion')
    const { iss, sub, aud, exp } = claims
    if (iss !== clientId) return refuse('invalid_client_id', 'client identifier invalid')
    if (aud !== (options.audience ?? url)) return refuse('invalid_grant', 'audience is invalid')
    const left = Number(exp) - now / 1_000
    if (!(left > 0 && left <= MAX_ASSERTION_LIFE)) return refuse('invalid_grant', 'assertion expired')
    if (typeof sub === 'string' && users.includes(sub)) return sub
    return refuse('invalid_grant', "user hasn't approved this consumer")
  }

  const signIn = ({ body }: ImitatedRequest, now: number): ImitatedAnswer => {
    const form = new URLSearchParams(body)
    if (form.get('grant_type') !== 'urn:ietf:params:oauth:grant-type:jwt-bearer')
      return refuse('unsupported_grant_type', 'grant type not supported')
    const username = userOf(form.get('assertion') ?? '', now)
    if (typeof username !== 'string') return username
    logins += 1
    const token = `00D000000000062!${randomBytes(30).toString('base64url')}`
    sessions.set(token, { username, until: now + sessionTimeout })
    const instance = 'instanceUrl' in options ? options.instanceUrl : url
    return { body: { access_token: token, scope: 'api', instance_url: instance, token_type: 'Bearer' } }
  }

  const call = ({ headers }: ImitatedRequest, now: number): ImitatedAnswer => {
    const session = sessions.get((headers.authorization ?? '').replace(/^Bearer /, ''))
    if (session === undefined || session.until <= now)
      return { status: 401, body: [{ message: 'Session expired or invalid', errorCode: 'INVALID_SESSION_ID' }] }
    session.until = now + sessionTimeout
    return { body: { username: session.username } }
  }

  const imitation = await startImitation(
    options,
    ({ path }) => path === '/services/oauth2/token',
    (request, now) => {
      if (request.path === apiPath) return call(request, now)
      return request.path === '/services/oauth2/token' ? signIn(request, now) : undefined
    },
  )
  url = imitation.url
  return extend<SalesforceImitation>(imitation, {
    apiPath,
    get logins() {
      return logins
    },
    endSessions: () => sessions.clear(),
  })
}
