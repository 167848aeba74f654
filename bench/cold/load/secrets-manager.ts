import middy, { type MiddlewareObj } from '@middy/core'
import secretsManager from '@middy/secrets-manager'

/** The handler. */
export const handler: unknown = middy()
  .use(secretsManager({ fetchData: { crm: 'crm' }, disablePrefetch: true }) as unknown as MiddlewareObj)
  .handler(async (_event, context) => Object.keys(context))
