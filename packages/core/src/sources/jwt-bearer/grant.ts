import { SignJWT } from 'jose'
import type { Issued, Json, TokenValue } from '../../contracts.ts'
import type { TokenAnswer } from '../oauth2/answer.ts'
import { importKey } from '../oauth2/key.ts'
import { requestToken, targetParameters } from '../oauth2/request.ts'
import { readSecret } from '../shared/secret.ts'
import type { JwtBearerOptions } from './index.ts'

/** How long an assertion is good for unless options say otherwise, in ms. */
const ASSERTION_LIFE = 60_000

/** What a grant by assertion is made of. */
type AssertionGrant = Omit<JwtBearerOptions, 'subject'> & { readonly subject: string | undefined }

/** Asks for a token by a signed assertion. */
export async function jwtBearerGrant(options: AssertionGrant, signal: AbortSignal): Promise<Issued<TokenValue>> {
  return (await requestByAssertion(options, signal)).issued
}

/** Asks for a token by a signed assertion, and resolves to the fields of the answer too. */
export async function requestByAssertion(options: AssertionGrant, signal: AbortSignal): Promise<TokenAnswer> {
  const { clientId } = options
  // Before the issuer is asked for anything: a key that cannot be read needs no request.
  const key = await importKey(await readSecret(options.privateKey), options.algorithm)
  return requestToken({
    issuer: options,
    client: clientId === undefined ? undefined : { clientId, authentication: 'none', secret: '' },
    grantType: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
    parameters: async ({ issuer }) => {
      const parameters = targetParameters(options)
      parameters.set('assertion', await sign(options, key, options.assertionAudience ?? issuer))
      return parameters
    },
    reading: options,
    signal,
  })
}

/** An assertion with an id of its own, so that no issuer takes it for one that was used (RFC 7523 §3). */
function sign(
  { signer, subject, claims, algorithm = 'RS256', keyId, assertionLife = ASSERTION_LIFE }: AssertionGrant,
  key: Awaited<ReturnType<typeof importKey>>,
  audience: string,
): Promise<string> {
  const now = Math.floor(Date.now() / 1_000)
  const payload: { readonly [name: string]: Json } = { ...claims, ...(subject !== undefined && { sub: subject }) }
  return new SignJWT(payload)
    .setProtectedHeader({ alg: algorithm, typ: 'JWT', ...(keyId !== undefined && { kid: keyId }) })
    .setIssuer(signer)
    .setAudience(audience)
    .setIssuedAt(now)
    .setExpirationTime(now + Math.floor(assertionLife / 1_000))
    .setJti(crypto.randomUUID())
    .sign(key)
}
