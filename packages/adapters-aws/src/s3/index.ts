/**
 * The store on S3, by conditional writes. One object a key, GetObject and PutObject only.
 *
 * @module
 */

import type { Store } from '@warmtoken/core'
import { lazyStore } from '@warmtoken/core/adapter/setup'
import { loadFailed } from '../shared/load-failed.ts'
import { checkS3Options, type S3StoreOptions } from './options.ts'

export type { S3StoreOptions } from './options.ts'

/**
 * Makes the store. Needs `s3:GetObject` and `s3:PutObject` on the objects and `s3:ListBucket` on the bucket, without
 * which S3 hides that an object is absent. Throws `TypeError` that names the option when one is missing, wrong or unknown.
 *
 * @example
 * ```ts
 * const tokens = createTokens({ store: s3Store({ bucket: 'my-tokens' }) })
 * ```
 */
export function s3Store(options: S3StoreOptions): Store {
  checkS3Options(options)
  const { bucket, prefix = 'warmtoken/' } = options
  const load = () => import('./store.ts').then(({ makeCalls }) => makeCalls(options), loadFailed)
  return lazyStore({ name: 's3', place: `s3/${bucket}/${prefix}`, load })
}
