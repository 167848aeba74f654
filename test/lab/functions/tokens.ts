import { threadId } from 'node:worker_threads'
import { dynamoDBStore } from '@warmtoken/adapters-aws/dynamodb'
import { createTokens, type Token, type TokenHandle, type Tokens, type TokensOptions } from '@warmtoken/core'
import { clientCredentials } from '@warmtoken/core/oauth2'

const LONG = 60_000

/** What the lab's functions answer. */
export interface Answer {
  readonly status: number
  readonly tier: Token['tier']
  readonly thread: number
}

function setting(name: string): string {
  const value = process.env[name]
  if (value === undefined) throw new Error(`The environment variable ${name} is missing`)
  return value
}

/**
 * The tokens of the example, with timeouts for a machine on which many environments share few cores: there a store that
 * answers within a millisecond is heard seconds later, and that is not what the scenarios are about.
 */
export function makeTokens(more: TokensOptions = {}): Tokens {
  return createTokens({
    store: dynamoDBStore({
      table: setting('TOKEN_TABLE'),
      client: async () => {
        const { DynamoDBClient } = await import('@aws-sdk/client-dynamodb')
        return new DynamoDBClient({ requestHandler: { connectionTimeout: LONG, requestTimeout: LONG } })
      },
    }),
    directory: setting('TOKEN_DIRECTORY'),
    storeTimeout: LONG,
    sourceTimeout: LONG,
    timeout: 2 * LONG,
    ...more,
  })
}

/** The token that the API wants. */
export function useApi(tokens: Tokens): TokenHandle {
  return tokens.use(
    clientCredentials({
      issuer: setting('ISSUER'),
      clientId: setting('CLIENT_ID'),
      clientSecret: setting('CLIENT_SECRET'),
      scope: ['contacts:read'],
      allowInsecure: true,
    }),
  )
}

/** Asks the API, and says where the token came from, and in which thread. */
export async function callApi(api: TokenHandle, { tier }: Token): Promise<Answer> {
  const response = await api.fetch(new URL('/contacts', setting('API_URL')))
  await response.body?.cancel()
  return { status: response.status, tier, thread: threadId }
}
