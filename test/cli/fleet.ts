/** A local table with records that the real engine has written. @module */

import { dynamoDBStore } from '@warmtoken/adapters-aws/dynamodb'
import { type Codec, createTokens, type Source, type Store, type TokenValue } from '@warmtoken/core'
import { type LocalServer, startDynamoDB } from '@warmtoken/local'

/** What no command may ever print. */
export const SECRET = 'marked-secret-value'

/** A table and what is in it. */
export interface Fleet {
  readonly server: LocalServer
  readonly store: Store
  /** The arguments that name the table. */
  readonly place: readonly string[]
  /** Fetches a token through the engine and returns its key. `exclusive`: its refresh token rotates. */
  fetch(name: string, options?: { readonly codec?: Codec; readonly exclusive?: boolean }): Promise<string>
}

/** Starts a local DynamoDB with a table. */
export async function startFleet(table = 'tokens'): Promise<Fleet> {
  const server = await startDynamoDB({ tables: [table] })
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local-secret' }
  const store = dynamoDBStore({ table, region: 'us-east-1', endpoint: server.url, credentials })
  return {
    server,
    store,
    place: ['--table', table, '--endpoint', server.url],
    async fetch(name, { codec, exclusive = false } = {}) {
      const keys: string[] = []
      const tokens = createTokens({
        store,
        directory: false,
        ...(codec && { codec }),
        onEvent: (event) => {
          if (event.type === 'publish') keys.push(event.key)
        },
      })
      const source: Source<TokenValue> = {
        kind: 'lab',
        identity: () => name,
        fetch: async () => ({
          value: { value: `${SECRET}-${name}`, type: 'Bearer', chain: SECRET },
          lifetime: 3_600_000,
        }),
        ...(exclusive && { exclusive: { spends: () => 'seed', afterCrash: 'stop' as const } }),
      }
      await tokens.use(source).get()
      const [key] = keys
      if (key === undefined) throw new Error('nothing was published')
      return key
    },
  }
}
