import { startDynamoDB, startRedisServer, startS3, startUpstash } from '@warmtoken/local'
import { PLACE } from './connect.ts'
import type { Address } from './protocol.ts'

/** A backend that answers. */
export interface Started {
  readonly address: Address
  close(): Promise<void>
}

/** Starts a backend. Rejects when it is not available here, with what to do about it. */
type Start = () => Promise<Started>

/** The backends of the test, by name. */
export const BACKENDS: readonly (readonly [name: string, start: Start])[] = [
  [
    'DynamoDB',
    async () => {
      const { url, close } = await startDynamoDB({ tables: [PLACE] })
      return { address: { kind: 'dynamodb', url, token: '' }, close }
    },
  ],
  [
    'S3',
    async () => {
      const credentials = [{ accessKeyId: 'local', secretAccessKey: 'local' }]
      const { url, close } = await startS3({ buckets: [PLACE], credentials })
      return { address: { kind: 's3', url, token: '' }, close }
    },
  ],
  [
    'Upstash over Redis',
    async () => {
      const redis = await startRedisServer()
      const { url, token, close } = await startUpstash({ redis })
      return {
        address: { kind: 'upstash', url, token },
        close: async () => {
          await close()
          await redis.close()
        },
      }
    },
  ],
]
