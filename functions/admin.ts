import { dynamoDBInventory } from '@warmtoken/adapters-aws/inventory/dynamodb'
import { page } from '@warmtoken/console'
import { createAdmin } from '@warmtoken/core/admin'
import { adminSettings, api, store, table } from './composition.ts'

/**
 * The console: the token, the leaderboards and what else is in the table, for operators. It lists the table, so it has a role of
 * its own: `serverless.admin.yml` deploys it.
 */
export const handler = createAdmin({
  store,
  inventory: dynamoDBInventory({ table }),
  tokens: { contacts: api },
  // Filled by the function "leaderboard"; its switches and invalidations are in the table.
  caches: [{ name: 'boards' }],
  page,
  ...adminSettings(),
})
