import type { FetchRequest, Issued, Json, TokenValue } from '../../contracts.ts'
import { SourceRefusedError, SourceUnavailableError } from '../../errors.ts'
import { asFields, asText, type Fields } from '../../lib/parse.ts'
import { type Answer, ask, checkStatus, dateOf, jsonOf, retryAfterOf, tokenOf } from '../shared/answer.ts'
import { sendDated, signAssertion } from '../shared/assertion.ts'
import { badKey, openSecret, readPrivateKey } from '../shared/credentials.ts'
import type { Secret } from '../shared/definition.ts'

/** A request for one installation's token. */
interface InstallationRequest {
  readonly baseUrl: string
  readonly client: string
  readonly privateKey: Secret
  readonly installationId: number
  readonly repositories: readonly string[] | null
  readonly repositoryIds: readonly number[] | null
  readonly permissions: { readonly [name: string]: string } | null
}

/** An App's assertion is dated back for clocks that differ, and may live for ten minutes at most. In ms. */
const BACKDATE = 60_000
const ASSERTION_LIFETIME = 600_000
/** How long to wait after a secondary rate limit that does not say it, as GitHub's documentation asks. In ms. */
const PATIENCE = 60_000
/** The longest life that is believed, in ms: a day. GitHub gives an hour. */
const MAX_LIFE = 86_400_000
/** How many permissions are taken over from an answer. */
const MAX_PERMISSIONS = 200

/** Asks for an installation's token. Rejects with a typed error that shows nothing of the answer but its status. */
export async function requestInstallationToken(
  request: InstallationRequest,
  { signal, serverTime = Date.now() }: Pick<FetchRequest<unknown>, 'signal' | 'serverTime'>,
): Promise<Issued<TokenValue>> {
  const { baseUrl, client, privateKey, installationId, repositories, repositoryIds, permissions } = request
  const key = readPrivateKey(await openSecret(privateKey, 'privateKey'))
  if (key.asymmetricKeyType !== 'rsa') throw badKey('privateKey')
  const assertion = {
    payload: { iss: client },
    header: { alg: 'RS256', typ: 'JWT' },
    key,
    lifetime: ASSERTION_LIFETIME,
    backdate: BACKDATE,
  }
  const body = JSON.stringify({
    ...(repositories !== null && { repositories }),
    ...(repositoryIds !== null && { repository_ids: repositoryIds }),
    ...(permissions !== null && { permissions }),
  })
  const send = async (now: number): Promise<Answer> =>
    ask(`${baseUrl}/app/installations/${installationId}/access_tokens`, {
      method: 'POST',
      headers: { ...HEADERS, authorization: `Bearer ${await signAssertion({ ...assertion, now })}` },
      body,
      signal,
    })
  return readToken(await sendDated(serverTime, send, ({ status }) => status === 401))
}

const HEADERS = {
  accept: 'application/vnd.github+json',
  'content-type': 'application/json',
  'x-github-api-version': '2022-11-28',
  // GitHub refuses requests that do not name themselves.
  'user-agent': 'warmtoken',
}

function readToken(answer: Answer): Issued<TokenValue> {
  const { status } = answer
  const retryAfter = patienceOf(answer)
  if (retryAfter !== undefined) {
    const code = `GITHUB_${status}`
    throw new SourceUnavailableError(`the issuer asks for patience (${code})`, { code, retryAfter, throttled: true })
  }
  checkStatus(answer)
  if (status >= 400) throw new SourceRefusedError(`the issuer refused (${status})`, { code: `GITHUB_${status}` })
  const fields = jsonOf(answer)
  const extra = { permissions: permissionsOf(fields) }
  return { value: { value: tokenOf(fields, 'token'), type: 'Bearer', extra }, lifetime: lifeBy(answer, fields) }
}

/** How long to wait, when this is a rate limit: primary and secondary ones come as 403 or 429. */
function patienceOf(answer: Answer): number | undefined {
  const { status, headers, text } = answer
  if (status !== 403 && status !== 429) return undefined
  const asked = retryAfterOf(headers)
  if (asked !== undefined) return asked
  const reset = headers.get('x-ratelimit-reset') ?? ''
  if (headers.get('x-ratelimit-remaining') === '0' && /^\d{1,12}$/.test(reset))
    return Math.max(PATIENCE, Number(reset) * 1_000 - (dateOf(answer) ?? Date.now()))
  // Without a header only its words tell a rate limit from a missing right.
  return status === 429 || /\brate limit\b/i.test(text) ? PATIENCE : undefined
}

/**
 * The life by the issuer's own clock: `expires_at` against the `Date` of the answer, which was cut to a whole second, so
 * that the answer may be almost a second younger.
 */
function lifeBy(answer: Answer, fields: Fields): number {
  const until = Date.parse(asText(fields['expires_at'], 40) ?? '')
  const lifetime = until - (dateOf(answer) ?? Number.NaN) - 1_000
  if (lifetime > 0 && lifetime <= MAX_LIFE) return lifetime
  throw new SourceUnavailableError(
    'the issuer\'s "expires_at" is not an instant within a day after the "Date" of its answer',
    { code: 'BAD_LIFE' },
  )
}

/** The permissions that the token has. Anything but short words is left out. */
function permissionsOf(fields: Fields): { readonly [name: string]: Json } {
  return Object.fromEntries(
    Object.entries(asFields(fields['permissions']) ?? {})
      .filter(([name, level]) => /^\w{1,64}$/.test(name) && typeof level === 'string' && /^\w{1,16}$/.test(level))
      .slice(0, MAX_PERMISSIONS),
  ) as { readonly [name: string]: string }
}
