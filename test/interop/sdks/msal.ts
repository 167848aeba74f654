import { ConfidentialClientApplication, type INetworkModule } from '@azure/msal-node'
import { type MsalCachePlugin, msalCachePlugin } from '@warmtoken/core/msal'
import { clientCredentials } from '@warmtoken/core/oauth2'
import { type Place, type Sdk, withoutSecret } from './sdk.ts'

/** The scope of Microsoft Graph. */
export const SCOPES: string[] = ['https://graph.microsoft.com/.default']

async function send<T>(url: string, init: RequestInit) {
  const response = await fetch(url.replace(/^https:/, 'http:'), init)
  const headers = Object.fromEntries(response.headers)
  return { status: response.status, headers, body: (await response.json()) as T }
}

/** msal insists on https. This goes to the same place by http, for the imitation is on loopback. */
const plainHttp: INetworkModule = {
  sendGetRequestAsync: async (url, options) => send(url, { headers: options?.headers ?? {} }),
  sendPostRequestAsync: async (url, options) =>
    send(url, { method: 'POST', headers: options?.headers ?? {}, body: options?.body ?? '' }),
}

/** msal's application at an imitation. */
export function msalApp(
  { url, clientId, secret, tenant = 'tenant-1' }: Place,
  cachePlugin?: MsalCachePlugin,
): ConfidentialClientApplication {
  const { host } = new URL(url)
  return new ConfidentialClientApplication({
    auth: { clientId, clientSecret: secret, authority: `https://${host}/${tenant}`, knownAuthorities: [host] },
    system: { networkClient: plainHttp },
    ...(cachePlugin && { cache: { cachePlugin } }),
  })
}

/** Microsoft's. */
export const sdk: Sdk = {
  handle: (tokens, { url, clientId, secret, tenant = 'tenant-1' }) =>
    tokens.use(
      clientCredentials({
        tokenEndpoint: `${url}/${tenant}/oauth2/v2.0/token`,
        clientId,
        clientSecret: secret,
        authentication: 'body',
        scope: SCOPES,
        allowInsecure: true,
      }),
    ),
  open(place, tokens) {
    const { url, clientId, tenant: tenantId = 'tenant-1' } = place
    const authorityHost = new URL(url).host
    const handle = tokens && sdk.handle(tokens, place)
    const plugin = handle && msalCachePlugin({ handle, clientId, tenantId, scopes: SCOPES, authorityHost })
    const app = msalApp(withoutSecret(place, tokens), plugin)
    return async () => (await app.acquireTokenByClientCredential({ scopes: SCOPES }))?.accessToken ?? ''
  },
}
