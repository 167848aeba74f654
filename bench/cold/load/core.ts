import middy from '@middy/core'
import { createTokens } from '@warmtoken/core'
import { custom } from '@warmtoken/core/custom'
import { warmTokens } from '@warmtoken/core/middy'

const tokens = createTokens()
const crm = tokens.use(custom({ identity: 'bench', fetch: async () => ({ value: 'abc', lifetime: 3_600_000 }) }))

/** The handler. */
export const handler: unknown = middy()
  .use(warmTokens({ crm }))
  .handler(async (_event, context) => Object.keys(context))
