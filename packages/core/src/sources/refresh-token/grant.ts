import type { FetchRequest, Issued, TokenValue } from '../../contracts.ts'
import { SignInRequiredError, SourceRefusedError, SourceUnavailableError, WarmTokenError } from '../../errors.ts'
import { fingerprint } from '../../lib/hash.ts'
import { readToken } from '../oauth2/answer.ts'
import type { Client } from '../oauth2/options.ts'
import { askTokenEndpoint, targetParameters } from '../oauth2/request.ts'
import { type Answer, fieldsOf } from '../shared/answer.ts'
import { openSecret } from '../shared/credentials.ts'
import type { Secret } from '../shared/definition.ts'
import { asRefreshToken, type Chain, nextSpending } from './chain.ts'
import type { RefreshTokenOptions } from './options.ts'

/**
 * Error codes after which only a new sign-in helps: RFC 6749 §5.2, OpenID Connect Core §3.1.2.6 (Microsoft answers them to
 * a refresh token too), and GitHub's own.
 */
const SIGN_IN = ['invalid_grant', 'interaction_required', 'login_required', 'consent_required', 'bad_refresh_token']

type Grant = Client<RefreshTokenOptions> & { readonly rotates: boolean }

/** Resolves to the fingerprint of what the next fetch spends. */
export async function spendingOf(seed: Secret, previous: TokenValue | undefined): Promise<string> {
  return fingerprint(nextSpending(await openSecret(seed, 'refreshToken'), previous).token)
}

/** Spends the refresh token, and keeps the one that the issuer gives for it. */
export async function refreshTokenGrant(options: Grant, request: FetchRequest<undefined>): Promise<Issued<TokenValue>> {
  const { rotates } = options
  const { previous, spends } = request
  const seed = await openSecret(options.refreshToken, 'refreshToken')
  const spent: Chain = rotates ? nextSpending(seed, previous) : { token: seed, seeds: [] }
  // The intent is written ahead for one token; another one, such as a seed of this exact second, must wait for its own.
  if (rotates && spends !== undefined && fingerprint(spent.token) !== spends)
    throw new SourceUnavailableError('the seed changed while the lease was asked for', {
      code: 'SOURCE_CHANGED',
      nothingDone: true,
    })
  const answer = await askTokenEndpoint({
    options,
    client: options,
    grantType: 'refresh_token',
    parameters: () => {
      const parameters = targetParameters(options)
      parameters.set('refresh_token', spent.token)
      return parameters
    },
    request,
  })
  return readAnswer(options, request, { answer, spent })
}

/** Whatever is wrong with the answer: a new refresh token in it is the only one that still works, so it is kept. */
function readAnswer(
  options: Grant,
  { serverTime }: FetchRequest<undefined>,
  { answer, spent }: { readonly answer: Answer; readonly spent: Chain },
): Issued<TokenValue> {
  const { rotates } = options
  const next = rotates ? asRefreshToken(fieldsOf(answer)['refresh_token']) : undefined
  const chain = { token: next ?? spent.token, seeds: spent.seeds }
  try {
    const { issued } = readToken(answer, { ...options, lenient: true, serverTime })
    return rotates ? { ...issued, value: { ...issued.value, chain } } : issued
  } catch (error) {
    if (!(error instanceof WarmTokenError)) throw error
    if (next !== undefined && next !== spent.token)
      return { value: { value: 'unusable', type: 'Bearer', chain }, lifetime: 0, unusable: error }
    if (!(error instanceof SourceRefusedError) || !SIGN_IN.includes(error.code)) throw error
    throw new SignInRequiredError(`the issuer no longer takes the refresh token (${error.code})`, { cause: error })
  }
}
