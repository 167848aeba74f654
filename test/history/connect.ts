import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { S3Client } from '@aws-sdk/client-s3'
import { dynamoDBStore } from '@warmtoken/adapters-aws/dynamodb'
import { s3Store } from '@warmtoken/adapters-aws/s3'
import { upstashStore } from '@warmtoken/adapters-upstash/redis'
import type { Store } from '@warmtoken/core'
import type { Address } from './protocol.ts'

/** The table and the bucket of the test. */
export const PLACE = 'tokens'

/** The settings of the stores' own clients, for a local address. */
function local(endpoint: string) {
  return {
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    maxAttempts: 3,
    requestHandler: { connectionTimeout: 300, requestTimeout: 800, throwOnRequestTimeout: true },
  }
}

/** A store with a real client of its own. */
export function connect({ kind, url, token }: Address): Store {
  if (kind === 'upstash') return upstashStore({ url, token })
  if (kind === 'dynamodb') return dynamoDBStore({ table: PLACE, client: new DynamoDBClient(local(url)) })
  const client = new S3Client({
    ...local(url),
    forcePathStyle: true,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  })
  return s3Store({ bucket: PLACE, client })
}
