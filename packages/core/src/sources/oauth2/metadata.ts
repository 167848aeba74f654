import { SourceUnavailableError } from '../../errors.ts'
import { asFields, isTime, parseJson } from '../../lib/parse.ts'
import { type Answer, ask, checkStatus, isSuccess, printable } from '../shared/answer.ts'
import type { IssuerOptions } from './options.ts'

/** How long issuer metadata is kept, in ms. */
const METADATA_LIFETIME = 3_600_000
/** How many issuers' metadata is kept. */
const MAX_METADATA = 100

/** What a token request needs to know of the issuer. */
export interface AuthorizationServer {
  /** Its identifier; the token endpoint where only that is known. */
  readonly issuer: string
  readonly tokenEndpoint: string
}

const metadata = new Map<string, { readonly server: AuthorizationServer; readonly at: number }>()

/**
 * Resolves to the issuer's metadata, which is kept for an hour. Rejects with `SourceUnavailableError` that says what is
 * wrong with it and `nothingDone`: no token was asked for yet.
 */
export async function findServer(options: IssuerOptions, signal: AbortSignal): Promise<AuthorizationServer> {
  const { issuer, tokenEndpoint, allowInsecure = false } = options
  if (tokenEndpoint !== undefined) return { issuer: tokenEndpoint, tokenEndpoint }
  const address = issuer ?? ''
  const known = metadata.get(address)
  const age = known === undefined ? undefined : Date.now() - known.at
  if (known !== undefined && isTime(age) && age < METADATA_LIFETIME) return known.server
  const server = await discover(address, allowInsecure, signal)
  if (metadata.size >= MAX_METADATA) metadata.clear()
  metadata.set(address, { server, at: Date.now() })
  return server
}

/** Where metadata is: OpenID Connect Discovery §4 behind the issuer's path, RFC 8414 §3 before it. */
function placesOf(issuer: string): readonly string[] {
  const { origin, pathname } = new URL(issuer)
  const path = pathname.replace(/\/+$/, '')
  return [
    `${origin}${path}/.well-known/openid-configuration`,
    `${origin}/.well-known/oauth-authorization-server${path}`,
  ]
}

/** What is wrong with metadata. */
interface Fault {
  readonly code: string
  readonly what: string
}

async function discover(issuer: string, allowInsecure: boolean, signal: AbortSignal): Promise<AuthorizationServer> {
  const faults: Fault[] = []
  for (const place of placesOf(issuer)) {
    const read = readMetadata(await fetchMetadata(place, signal), issuer, allowInsecure)
    if ('tokenEndpoint' in read) return read
    faults.push({ ...read, what: `${new URL(place).pathname} ${read.what}` })
  }
  // Metadata that is there and wrong says more than a place where there is none.
  const { code } = faults.find((fault) => fault.code !== 'METADATA_MISSING') ?? { code: 'METADATA_MISSING' }
  throw new SourceUnavailableError(`the metadata of "issuer" is no use: ${faults.map(({ what }) => what).join('; ')}`, {
    code,
    nothingDone: true,
  })
}

async function fetchMetadata(place: string, signal: AbortSignal): Promise<Answer> {
  try {
    const answer = await ask(place, { headers: { accept: 'application/json' }, signal })
    checkStatus(answer)
    return answer
  } catch (error) {
    if (!(error instanceof SourceUnavailableError)) throw error
    const { code, retryAfter, kind, message } = error
    const options = { code, retryAfter, throttled: kind === 'throttled', nothingDone: true }
    throw new SourceUnavailableError(`${message}, when asked for its metadata`, options)
  }
}

function readMetadata(answer: Answer, issuer: string, allowInsecure: boolean): AuthorizationServer | Fault {
  if (!isSuccess(answer)) return { code: 'METADATA_MISSING', what: `answered ${answer.status}` }
  const fields = asFields(parseJson(answer.text.replace(/^\uFEFF/, '')))
  if (fields === undefined) {
    const contentType = printable(answer.headers.get('content-type') ?? 'none')
    return { code: 'METADATA_NOT_JSON', what: `is not a JSON object (${answer.status}, content type ${contentType})` }
  }
  const named = fields['issuer']
  if (typeof named !== 'string' || !URL.canParse(named)) return { code: 'METADATA_ISSUER', what: 'names no issuer' }
  if (new URL(named).href !== new URL(issuer).href) {
    const bySlash = named.replace(/\/+$/, '') === issuer.replace(/\/+$/, '')
    const how = bySlash ? 'differs by the slash at its end' : 'is another one'
    return { code: 'METADATA_ISSUER', what: `names the issuer "${printable(named)}", which ${how}; use that name` }
  }
  const endpoint = fields['token_endpoint']
  if (typeof endpoint !== 'string' || !URL.canParse(endpoint))
    return { code: 'METADATA_ENDPOINT', what: 'has no "token_endpoint"' }
  const isSafe = allowInsecure ? /^https?:/i.test(endpoint) : /^https:/i.test(endpoint)
  if (!isSafe) return { code: 'METADATA_ENDPOINT', what: 'has a "token_endpoint" that is not https' }
  return { issuer: named, tokenEndpoint: endpoint }
}
