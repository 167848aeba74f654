import type { FetchRequest, Issued, Json, TokenValue } from '../../contracts.ts'
import { readToken, type TokenAnswer } from '../oauth2/answer.ts'
import { askTokenEndpoint, targetParameters } from '../oauth2/request.ts'
import { signAssertion } from '../shared/assertion.ts'
import { openSecret, readPrivateKey } from '../shared/credentials.ts'
import type { JwtBearerOptions } from './options.ts'

/** How long an assertion is good for unless options say otherwise, in ms. */
const ASSERTION_LIFETIME = 60_000

/** What a grant by assertion is made of. */
type AssertionGrant = Omit<JwtBearerOptions, 'subject'> & { readonly subject: string | undefined }

/** What a fetch gives a grant. */
type Request = Pick<FetchRequest<unknown>, 'signal' | 'serverTime'>

/** Asks for a token by a signed assertion. */
export async function jwtBearerGrant(options: AssertionGrant, request: Request): Promise<Issued<TokenValue>> {
  return (await requestByAssertion(options, request)).issued
}

/** Asks for a token by a signed assertion, and resolves to the fields of the answer too. */
export async function requestByAssertion(options: AssertionGrant, request: Request): Promise<TokenAnswer> {
  const { clientId, assertionAudience, privateKey } = options
  // Before the issuer is asked for anything: a key that cannot be read needs no request.
  const key = readPrivateKey(await openSecret(privateKey, 'privateKey'))
  const answer = await askTokenEndpoint({
    options,
    client: clientId === undefined ? undefined : { clientId, authentication: 'none', secret: '' },
    grantType: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
    hasAssertion: true,
    parameters: async ({ issuer }, now) => {
      const parameters = targetParameters(options)
      parameters.set('assertion', await sign(options, { key, now, audience: assertionAudience ?? issuer }))
      return parameters
    },
    request,
  })
  return readToken(answer, { ...options, serverTime: request.serverTime })
}

/** An assertion with an id of its own, so that no issuer takes it for a used one (RFC 7523 §3). */
function sign(
  options: AssertionGrant,
  by: { readonly key: ReturnType<typeof readPrivateKey>; readonly now: number; readonly audience: string },
): Promise<string> {
  const { signer, subject, claims, algorithm = 'RS256', keyId, assertionHeader } = options
  const payload: { readonly [name: string]: Json } = { ...claims, ...(subject !== undefined && { sub: subject }) }
  return signAssertion({
    payload: { ...payload, iss: signer, aud: by.audience, jti: crypto.randomUUID() },
    header: { typ: 'JWT', ...(keyId !== undefined && { kid: keyId }), ...assertionHeader, alg: algorithm },
    key: by.key,
    now: by.now,
    lifetime: options.assertionLife ?? ASSERTION_LIFETIME,
  })
}
