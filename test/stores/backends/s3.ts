import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { s3Store } from '@warmtoken/adapters-aws/s3'
import { type Fault, LOCAL_CREDENTIALS, startS3 } from '@warmtoken/local'
import { type Backend, type Running, refusal } from './backend.ts'

/** The bucket of the tests. */
export const BUCKET = 'tokens'

function says(code: string, status: number): Fault {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>in the words of S3</Message></Error>`
  return refusal(status, body, 'application/xml')
}

/** How S3 says what goes wrong. */
export const S3_ANSWERS: Running['answers'] = {
  'server-error': says('InternalError', 500),
  throttled: says('SlowDown', 503),
  busy: says('ConditionalRequestConflict', 409),
  denied: says('AccessDenied', 403),
  missing: says('NoSuchBucket', 404),
}

/** The settings of the store's own client, at a local address, except for its haste. */
export function localS3(endpoint: string): S3Client {
  return new S3Client({
    endpoint,
    region: 'us-east-1',
    credentials: LOCAL_CREDENTIALS,
    forcePathStyle: true,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts: 3,
    // Two hundred requests at once take longer than in production where others keep the processors busy.
    requestHandler: { connectionTimeout: 10_000, requestTimeout: 10_000, throwOnRequestTimeout: true },
  })
}

/** Puts an object there without the store. */
export function plantObject(client: S3Client, bucket: string): NonNullable<Running['plant']> {
  return async (key) => {
    const Key = `warmtoken/${encodeURIComponent(key).replaceAll('.', '%2E')}`
    await client.send(new PutObjectCommand({ Bucket: bucket, Key, Body: 'something' }))
  }
}

/** S3 by this project's stand-in. */
export const s3StandIn: Backend = {
  name: 'S3 stand-in',
  async start() {
    const server = await startS3({ buckets: [BUCKET] })
    const direct = localS3(server.url)
    const clients = [direct]
    return {
      url: server.url,
      answers: S3_ANSWERS,
      plant: plantObject(direct, BUCKET),
      keepUntilOf: async () => undefined,
      connect(url) {
        const client = localS3(url)
        clients.push(client)
        return s3Store({ bucket: BUCKET, client })
      },
      async close() {
        for (const client of clients) client.destroy()
        await server.close()
      },
    }
  },
}
