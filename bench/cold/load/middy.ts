import middy from '@middy/core'

/** The handler. */
export const handler: unknown = middy().handler(async (_event, context) => Object.keys(context))
