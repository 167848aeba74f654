import type { Issued, TokenValue } from '../../contracts.ts'
import { openSecret } from '../shared/secret-value.ts'
import type { ClientCredentialsOptions } from './index.ts'
import type { Client } from './options.ts'
import { requestToken, targetParameters } from './request.ts'

/** Asks an issuer for a token by the client credentials grant. */
export async function clientCredentialsGrant(
  options: Client<ClientCredentialsOptions>,
  signal: AbortSignal,
): Promise<Issued<TokenValue>> {
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
