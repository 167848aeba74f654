/** One process with an SDK in it: it says that it is ready, then asks fifty times at once when it is told to. */

import { createTokens, type Tokens } from '@warmtoken/core'
import type { Orders, Report } from './fleet.ts'
import { LOAD } from './sdks/load.ts'

/** A toolkit that shares the table. */
async function connect(endpoint: string): Promise<Tokens> {
  const [{ dynamoDBStore }, { DynamoDBClient }] = await Promise.all([
    import('@warmtoken/adapters-aws/dynamodb'),
    import('@aws-sdk/client-dynamodb'),
  ])
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local-secret' }
  const client = new DynamoDBClient({ endpoint, region: 'us-east-1', credentials })
  // More processes than cores: the machine is slow, not the servers.
  const patience = { timeout: 50_000, storeTimeout: 10_000, sourceTimeout: 10_000 }
  return createTokens({ store: dynamoDBStore({ table: 'tokens', client }), directory: false, ...patience })
}

process.once('message', async (first) => {
  const { sdk, place, calls, table } = first as Orders
  const { open } = await LOAD[sdk]()
  const getToken = open(place, table === undefined ? undefined : await connect(table))
  process.once('message', async () => {
    const results = await Promise.allSettled(Array.from({ length: calls }, () => getToken()))
    const given = results.filter((one) => one.status === 'fulfilled').map(({ value }) => value)
    const report: Report = { tokens: [...new Set(given)], failed: results.length - given.length }
    process.send?.(report, () => process.exit())
  })
  process.send?.('ready')
})
