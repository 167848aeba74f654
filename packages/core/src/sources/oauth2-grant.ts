import type { Issued, TokenValue } from '../contracts.ts'
import type { ClientCredentialsOptions } from './oauth2.ts'
import type { Client } from './oauth2-options.ts'
import { requestToken, targetParameters } from './oauth2-request.ts'
import { openSecret } from './secret-value.ts'

/** Asks an issuer for a token by the client credentials grant. */
export const clientCredentialsGrant = async (
  options: Client<ClientCredentialsOptions>,
  signal: AbortSignal,
): Promise<Issued<TokenValue>> => {
  const { audience, dpop } = options
  const parameters = targetParameters(options)
  if (audience !== undefined) parameters.set('audience', audience)
  const { issued } = await requestToken({
    issuer: options,
    client: { ...options, secret: await openSecret(options.secret) },
    grantType: 'client_credentials',
    parameters: () => parameters,
    reading: options,
    ...(dpop && { dpop: await openSecret(dpop.privateKey) }),
    signal,
  })
  return issued
}
