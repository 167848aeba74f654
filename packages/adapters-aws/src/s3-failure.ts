import type { StoreFault } from '@warmtoken/core'
import { fault, type Remedies, storeFault } from './failure.ts'

const ELSEWHERE = { code: 'STORE_REFUSED', message: 'it is in another region; set the option region' }

function remedies(bucket: string, permission: string): Remedies {
  return {
    AccessDenied: { code: 'STORE_DENIED', message: `access denied; the role needs ${permission}` },
    NoSuchBucket: {
      code: 'STORE_MISSING',
      message: `it does not exist; serverless.yml makes it with "BucketName: ${bucket}" under resources, Type AWS::S3::Bucket`,
    },
    PermanentRedirect: ELSEWHERE,
    AuthorizationHeaderMalformed: ELSEWHERE,
  }
}

/** The fault for whatever the client threw from a request that needs this permission. */
export function s3Fault(bucket: string, permission: string, error: unknown): StoreFault {
  return storeFault(`S3 bucket ${bucket}`, error, remedies(bucket, permission))
}

/** The fault of a server that ignores conditions. */
export function unsafe(bucket: string, lie: string): StoreFault {
  return fault(
    `S3 bucket ${bucket}: its server does not honor conditional writes: ${lie}. Two environments would overwrite each ` +
      'other. Use a server that honors them, and delete the objects of this store there',
    { code: 'STORE_UNSAFE', retryable: false },
  )
}
