import type { FetchRequest, Issued, TokenValue } from '../../contracts.ts'
import { SourceUnavailableError } from '../../errors.ts'
import { asText } from '../../lib/parse.ts'
import { requestByAssertion } from '../jwt-bearer/grant.ts'
import type { SalesforceOptions } from './options.ts'

/**
 * How long a token is used, in ms. A session of Salesforce ends when nobody used it for the org's timeout, 2 h unless
 * changed: a token dropped well before that since its issue is always still alive. One that ended sooner is rejected.
 */
const LIFE = 5_400_000
/** The longest address that is accepted, in characters. */
const MAX_URL = 2_048

type Grant = SalesforceOptions & {
  readonly loginUrl: string
  readonly audience: string
  readonly username: string
}

/** Asks Salesforce for a token of one user. */
export async function salesforceGrant(
  options: Grant,
  request: Pick<FetchRequest<unknown>, 'signal' | 'serverTime'>,
): Promise<Issued<TokenValue>> {
  const { allowInsecure = false, audience, clientId, lifetime = LIFE, loginUrl, privateKey, username } = options
  const { issued, fields } = await requestByAssertion(
    {
      tokenEndpoint: `${loginUrl.replace(/\/+$/, '')}/services/oauth2/token`,
      allowInsecure,
      signer: clientId,
      subject: username,
      assertionAudience: audience,
      privateKey,
      lifetime,
    },
    request,
  )
  const instanceUrl = originOf(fields['instance_url'], allowInsecure)
  if (instanceUrl === undefined)
    throw new SourceUnavailableError('the issuer\'s answer has no "instance_url" that is an https URL', {
      code: 'BAD_ANSWER',
    })
  return { ...issued, value: { ...issued.value, extra: { instanceUrl } } }
}

/** The address that the token will be sent to: only its origin counts, and nothing but https will do. */
function originOf(value: unknown, allowInsecure: boolean): string | undefined {
  const url = URL.parse(asText(value, MAX_URL) ?? '')
  if (url === null || url.username !== '' || url.password !== '') return undefined
  return url.protocol === 'https:' || (allowInsecure && url.protocol === 'http:') ? url.origin : undefined
}
