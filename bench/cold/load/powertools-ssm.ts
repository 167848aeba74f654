import { SSMProvider } from '@aws-lambda-powertools/parameters/ssm'
import middy from '@middy/core'

const provider = new SSMProvider()

/** The handler. */
export const handler: unknown = middy().handler(() => provider.get('key'))
