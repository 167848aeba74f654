// One cold environment: a worker thread with its own modules and state, as a Lambda execution environment has them.
import { parentPort, threadId, workerData } from 'node:worker_threads'
import { dynamoDBStore } from '@warmtoken/adapters-aws/dynamodb'
import { createTokens } from '@warmtoken/core'
import { clientCredentials } from '@warmtoken/core/oauth2'

/** What the demonstration tells each environment. */
export interface Wiring {
  readonly issuer: string
  readonly client: { readonly id: string; readonly secret: string }
  readonly table: { readonly name: string; readonly endpoint: string }
  /** Sets this round's token apart from those of other rounds. */
  readonly round: number
  /** Whether it keeps its token in a module variable, or shares it by warmtoken. */
  readonly way: 'module variable' | 'warmtoken'
}

/**
 * Makes the function that gives the token. Thirty environments share the cores of one machine here, so everything that
 * costs processor time at a first call, such as loading modules, happens before: only the waiting is compared.
 */
async function prepare({ issuer, client, table, round, way }: Wiring): Promise<() => Promise<string>> {
  await (await fetch(`${issuer}/_count`)).text()
  if (way === 'module variable') return plainModuleVariable(issuer, client)
  const variables = {
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_ENDPOINT_URL_DYNAMODB: table.endpoint,
  }
  const store = dynamoDBStore({ table: table.name, env: variables })
  const patience = { storeTimeout: 5_000, sourceTimeout: 10_000, timeout: 30_000 }
  const tokens = createTokens({ store, directory: false, namespace: `round-${round}`, ...patience })
  // Nothing there gives tokens, so this ends in an error, after everything has been used once.
  const rehearsal = { tokenEndpoint: `${issuer}/_count`, clientId: `rehearsal ${threadId}`, clientSecret: 'none' }
  const nothing = tokens.use(clientCredentials({ ...rehearsal, allowInsecure: true }))
  await nothing.get().catch(() => undefined)
  const crm = tokens.use(
    clientCredentials({ issuer, clientId: client.id, clientSecret: client.secret, allowInsecure: true }),
  )
  return async () => (await crm.get()).value
}

/** What most functions do today. */
function plainModuleVariable(issuer: string, { id, secret }: Wiring['client']): () => Promise<string> {
  let cached: { readonly value: string; readonly until: number } | undefined
  return async () => {
    if (cached !== undefined && Date.now() < cached.until) return cached.value
    const response = await fetch(`${issuer}/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${id}:${secret}`)}` },
      body: new URLSearchParams({ grant_type: 'client_credentials' }),
    })
    const { access_token: value, expires_in: lifetime } = (await response.json()) as {
      access_token: string
      expires_in: number
    }
    cached = { value, until: Date.now() + lifetime * 1_000 }
    return value
  }
}

const port = parentPort
if (port !== null) {
  const getToken = await prepare(workerData as Wiring)
  port.once('message', async () => {
    const start = performance.now()
    const token = await getToken()
    port.postMessage({ took: performance.now() - start, found: token.length > 0 })
  })
  port.postMessage('ready')
}
