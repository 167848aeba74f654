import type { FetchRequest, Issued, TokenValue } from '../../contracts.ts'
import { SignInRequiredError, SourceRefusedError, SourceUnavailableError } from '../../errors.ts'
import { fingerprint } from '../../lib/hash.ts'
import type { Client } from '../oauth2/options.ts'
import { requestToken, targetParameters } from '../oauth2/request.ts'
import { checkSecret } from '../shared/answer.ts'
import { readSecret, type Secret } from '../shared/secret.ts'
import { asRefreshToken, nextSpending } from './chain.ts'
import type { RefreshTokenOptions } from './index.ts'

/**
 * Error codes that only a person can mend: RFC 6749 §5.2, OpenID Connect Core §3.1.2.6 (Microsoft answers them to a
 * refresh token too), and GitHub's own.
 */
const SIGN_IN = ['invalid_grant', 'interaction_required', 'login_required', 'consent_required', 'bad_refresh_token']

/** Resolves to the fingerprint of what the next fetch spends. */
export async function spendingOf(seed: Secret, previous: TokenValue | undefined): Promise<string> {
  return fingerprint(nextSpending(await readSeed(seed), previous).token)
}

/** Spends the refresh token, and keeps the one that the issuer gives for it. */
export async function refreshTokenGrant(
  options: Client<RefreshTokenOptions> & { readonly rotates: boolean },
  { previous, signal, spends }: FetchRequest<undefined>,
): Promise<Issued<TokenValue>> {
  const { rotates } = options
  const seed = await readSeed(options.refreshToken)
  const secret = await readQuietly(options.secret)
  const { token, seeds } = rotates ? nextSpending(seed, previous) : { token: seed, seeds: [] }
  // The intent is written ahead for one token; another one, such as a seed of this very second, must wait for its own.
  if (rotates && spends !== undefined && fingerprint(token) !== spends)
    throw new SourceUnavailableError('the seed changed while the lease was asked for', {
      code: 'SOURCE_CHANGED',
      nothingDone: true,
    })
  const parameters = targetParameters(options)
  parameters.set('refresh_token', token)
  try {
    const { issued, fields } = await requestToken({
      issuer: options,
      client: { ...options, secret },
      grantType: 'refresh_token',
      parameters: () => parameters,
      reading: { lifetime: options.lifetime, lenient: true },
      signal,
    })
    if (!rotates) return issued
    const chain = { token: asRefreshToken(fields['refresh_token']) ?? token, seeds }
    return { ...issued, value: { ...issued.value, chain } }
  } catch (error) {
    if (!(error instanceof SourceRefusedError) || !SIGN_IN.includes(error.code)) throw error
    throw new SignInRequiredError(`the issuer no longer takes the refresh token (${error.code})`, { cause: error })
  }
}

async function readSeed(seed: Secret): Promise<string> {
  return checkSecret(await readQuietly(seed), 'refreshToken')
}

/** A secret that cannot be had now has spent nothing. What its function threw could quote it, so that goes no further. */
async function readQuietly(secret: Secret): Promise<string> {
  try {
    return await readSecret(secret)
  } catch {
    throw new SourceUnavailableError('a secret of the source could not be had', {
      code: 'SOURCE_FAILED',
      nothingDone: true,
    })
  }
}
