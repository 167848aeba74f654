import { dynamoDBStore } from '@warmtoken/adapters-aws/dynamodb'
import { s3Store } from '@warmtoken/adapters-aws/s3'
import { upstashStore } from '@warmtoken/adapters-upstash/redis'
import type { Store } from '@warmtoken/core'
import { type Mark, mark } from './marks.ts'

/** What signs requests to AWS: never sent, and in the environment of every function. */
export const awsKey: Mark = mark('AWS key')
/** What is sent to Upstash with every request. */
export const upstashToken: Mark = mark('Upstash token')

/** The environment in which AWS clients find their key. */
export const AWS_ENVIRONMENT: { readonly [name: string]: string } = {
  AWS_REGION: 'eu-west-1',
  AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
  AWS_SECRET_ACCESS_KEY: awsKey.text,
}

/** The stores of the adapters, each with its own client, at a server of the test. */
export const storesAt: { readonly [name: string]: (url: string) => Store } = {
  DynamoDB: (endpoint) => dynamoDBStore({ table: 'tokens', endpoint }),
  // A name with a dot is put into the path, so that no name of a host must be found.
  S3: (endpoint) => s3Store({ bucket: 'a.bucket', endpoint }),
  Upstash: (url) => upstashStore({ url, token: upstashToken.text }),
}
