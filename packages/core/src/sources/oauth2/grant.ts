import type { FetchRequest, Issued, TokenValue } from '../../contracts.ts'
import { openSecret } from '../shared/credentials.ts'
import { readToken } from './answer.ts'
import type { Client, ClientCredentialsOptions } from './options.ts'
import { askTokenEndpoint, targetParameters } from './request.ts'

/** Asks an issuer for a token by the client credentials grant. */
export async function clientCredentialsGrant(
  options: Client<ClientCredentialsOptions>,
  request: FetchRequest<undefined>,
): Promise<Issued<TokenValue>> {
  const { audience, dpop } = options
  const answer = await askTokenEndpoint({
    options,
    client: options,
    grantType: 'client_credentials',
    parameters: () => {
      const parameters = targetParameters(options)
      if (audience !== undefined) parameters.set('audience', audience)
      return parameters
    },
    ...(dpop && { dpop: await openSecret(dpop.privateKey, 'dpop.privateKey') }),
    request,
  })
  return readToken(answer, { ...options, bound: dpop !== undefined, serverTime: request.serverTime }).issued
}
