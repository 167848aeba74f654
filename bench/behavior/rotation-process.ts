/** One process that asks ten times at once for a token whose refresh token rotates. */

import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { dynamoDBStore } from '@warmtoken/adapters-aws/dynamodb'
import { createTokens } from '@warmtoken/core'
import { refreshToken } from '@warmtoken/core/refresh-token'
import { LOCAL_CREDENTIALS } from '@warmtoken/local'
import type { Place } from './issuers.ts'
import { msalApp, openGoogle } from './vendors.ts'

/** What a process is told. */
export interface RotationOrders {
  readonly peer: 'warmtoken' | 'msal-node' | 'google-auth-library'
  readonly place: Place
  /** The address of the shared table. */
  readonly table: string
}

function openWarmtoken({ place, table }: RotationOrders): () => Promise<unknown> {
  const { url, clientId, secret, refreshToken: seed = '' } = place
  const client = new DynamoDBClient({ endpoint: table, region: 'us-east-1', credentials: LOCAL_CREDENTIALS })
  const patience = { timeout: 30_000, storeTimeout: 5_000, sourceTimeout: 10_000 }
  const tokens = createTokens({ store: dynamoDBStore({ table: 'tokens', client }), directory: false, ...patience })
  const source = { tokenEndpoint: `${url}/token`, clientId, clientSecret: secret, allowInsecure: true }
  const handle = tokens.use(refreshToken({ ...source, account: 'someone', refreshToken: seed }))
  return () => handle.get()
}

function openMsal({ place }: RotationOrders): () => Promise<unknown> {
  const base = place.url.replace('http:', 'https:')
  const endpoints = { authorization_endpoint: `${base}/authorize`, token_endpoint: `${base}/token` }
  const app = msalApp(place, { issuer: `${base}/v2.0`, jwks_uri: `${base}/keys`, ...endpoints })
  const wanted = { refreshToken: place.refreshToken ?? '', scopes: ['https://graph.microsoft.com/.default'] }
  return () => app.acquireTokenByRefreshToken(wanted)
}

const OPEN = {
  warmtoken: openWarmtoken,
  'msal-node': openMsal,
  'google-auth-library': ({ place }: RotationOrders) => openGoogle(place),
}

process.once('message', (first) => {
  const orders = first as RotationOrders
  const get = OPEN[orders.peer](orders)
  process.once('message', async () => {
    const results = await Promise.allSettled(Array.from({ length: 10 }, () => get()))
    const failed = results.filter(({ status }) => status === 'rejected').length
    process.send?.(failed, () => process.exit())
  })
  process.send?.('ready')
})
