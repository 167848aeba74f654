import { Redis } from '@upstash/redis'
import { upstashStore } from '@warmtoken/adapters-upstash/redis'
import { createTokens, type Token, type WarmEvent } from '@warmtoken/core'
import { clientCredentials } from '@warmtoken/core/oauth2'

/** What the program is told. */
export interface Settings {
  readonly issuer: string
  readonly secret: string
  /** What the keys in the store begin with: each run has a record of its own. */
  readonly prefix: string
  readonly storeUrl: string
  readonly storeToken: string
  /** Where the file tier lies; false for none. */
  readonly directory: string | false
  /** Use the client of `@upstash/redis`, which sends by `fetch`. */
  readonly client: boolean
}

/** What it did. */
export interface Outcome {
  /** Where each token came from: the first environment twice, then a second one with a memory of its own. */
  readonly tiers: readonly string[]
  /** Whether all were the same token. */
  readonly same: boolean
  /** The type of each event, with the reason of a file that was not used. */
  readonly events: readonly string[]
}

/** Gets a token in two environments that share a store: the same program on every runtime. */
export async function run(settings: Settings): Promise<Outcome> {
  const { issuer, secret, prefix, storeUrl, storeToken, directory, client } = settings
  const events: string[] = []
  const onEvent = (event: WarmEvent): void => {
    events.push(event.type === 'file-error' ? `${event.type}: ${event.reason}` : event.type)
  }
  const address = { url: storeUrl, token: storeToken }
  const store = upstashStore({
    prefix,
    ...(client
      ? { client: new Redis({ ...address, automaticDeserialization: false, retry: { retries: 1 } }) }
      : address),
  })
  const environment = () =>
    createTokens({ store, directory, onEvent }).use(
      clientCredentials({ issuer, clientId: 'crm', clientSecret: secret, allowInsecure: true }),
    )
  const first = environment()
  const tokens: readonly Token[] = [await first.get(), await first.get(), await environment().get()]
  return {
    tiers: tokens.map(({ tier }) => tier),
    same: new Set(tokens.map((token) => token.value)).size === 1,
    events,
  }
}
