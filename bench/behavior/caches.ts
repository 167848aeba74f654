/** Caches that users put their own token request into, each as its documentation shows. */

import { BaseProvider } from '@aws-lambda-powertools/parameters/base'
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { processCache } from '@middy/util'
import { createTokens, type TokenHandle } from '@warmtoken/core'
import type { Store } from '@warmtoken/core/adapter'
import { memoryStore } from '@warmtoken/core/memory'
import { clientCredentials } from '@warmtoken/core/oauth2'
import { movedRuntime } from './clock.ts'
import type { Place } from './issuers.ts'

const SCOPE = 'https://graph.microsoft.com/.default'
function endpointOf(url: string): string {
  return `${url}/tenant-1/oauth2/v2.0/token`
}

/** The request that a user writes. */
async function ask({ url, clientId, secret }: Place): Promise<{ readonly token: string; readonly until: Date }> {
  const form = { grant_type: 'client_credentials', client_id: clientId, client_secret: secret, scope: SCOPE }
  const response = await fetch(endpointOf(url), { method: 'POST', body: new URLSearchParams(form) })
  if (!response.ok) throw new Error(`the issuer answered ${response.status}`)
  const { access_token: token, expires_in: lifetime } = (await response.json()) as {
    access_token: string
    expires_in: number
  }
  return { token, until: new Date(Date.now() + lifetime * 1_000) }
}

/** A handle in an environment of its own. */
export function warmtokenHandle({ url, clientId, secret }: Place, store: Store): TokenHandle {
  const tokens = createTokens({ store, directory: false, runtime: movedRuntime })
  const client = { clientId, clientSecret: secret, scope: [SCOPE], allowInsecure: true } as const
  return tokens.use(clientCredentials({ ...client, tokenEndpoint: endpointOf(url), authentication: 'body' }))
}

/** One environment with a store. */
export function openWarmtoken(place: Place, store: Store = memoryStore(movedRuntime)): () => Promise<string> {
  const handle = warmtokenHandle(place, store)
  return async () => (await handle.get()).value
}

/** So many environments that share a store. */
export function openWarmtokenFleet(place: Place, environments: number): readonly (() => Promise<string>)[] {
  const store = memoryStore(movedRuntime)
  return Array.from({ length: environments }, () => openWarmtoken(place, store))
}

/** How a client of the AWS SDK keeps the credentials that a function gives it. */
export function openAwsSdk(place: Place): () => Promise<string> {
  const { config } = new SecretsManagerClient({
    region: 'us-east-1',
    credentials: async () => {
      const { token, until } = await ask(place)
      return { accessKeyId: token, secretAccessKey: 'none', expiration: until }
    },
  })
  return async () => (await config.credentials()).accessKeyId
}

/** Your own provider; Powertools requires it as a class. Kept for five seconds, the default. */
class TokenProvider extends BaseProvider {
  readonly #place: Place

  constructor(place: Place) {
    super({})
    this.#place = place
  }

  override async get(name: string): Promise<string> {
    return String(await super.get(name))
  }

  protected override async _get(): Promise<string> {
    return (await ask(this.#place)).token
  }

  protected override async _getMultiple(): Promise<undefined> {}
}

/** Powertools parameters. */
export function openPowertools(place: Place): () => Promise<string> {
  const provider = new TokenProvider(place)
  return async () => provider.get('token')
}

/** The boilerplate of https://middy.js.org/docs/writing-middlewares/internal-storage/, with its defaults. */
export function openMiddy(place: Place): () => Promise<string> {
  const options = { fetchData: { token: 'token' }, cacheKey: crypto.randomUUID(), cacheExpiry: -1 }
  const fetchRequest = () => ({ token: ask(place).then(({ token }) => token) })
  return async () => {
    const { value } = processCache(options, fetchRequest, {} as never)
    return (value as { readonly token: Promise<string> }).token
  }
}
