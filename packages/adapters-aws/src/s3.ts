/**
 * The store on S3, by conditional writes. One object a key, GetObject and PutObject only.
 *
 * @module
 */

import type { S3Client } from '@aws-sdk/client-s3'
import type { Store } from '@warmtoken/core'
import { checkAll, flag, PLACE, type Rule, text } from './check.ts'
import { lazily } from './lazy.ts'
import { loadFailed } from './load-failed.ts'

/** How {@link s3Store} is set up. */
export interface S3StoreOptions {
  /** The bucket. */
  readonly bucket: string
  /** What the names of its objects begin with. Default `warmtoken/`. */
  readonly prefix?: string
  /** The region. Default: what the SDK finds. */
  readonly region?: string
  /** The endpoint, for a local or S3-compatible server. Default: AWS. */
  readonly endpoint?: string
  /**
   * Whether the first object that a process creates is used to ask if the server honors conditions: two more PUTs,
   * once a process, and none for one that creates no object. Default true. Set it to false on AWS itself.
   */
  readonly probe?: boolean
  /**
   * A client of one's own, or a function that gives it. It should have three attempts and time-outs of some hundred ms.
   * Default: a client with such settings, made when memory and file have both missed.
   */
  readonly client?: S3Client | (() => S3Client | Promise<S3Client>)
}

/** A prefix may be empty: then names begin with the key. */
const prefix: Rule = ['a text', (value) => typeof value === 'string']
const RULES: { readonly [name: string]: Rule } = { bucket: text, prefix, probe: flag, ...PLACE }

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
  checkAll('s3Store', options, RULES, ['bucket'])
  const calls = lazily(() => import('./s3-calls.ts').then(({ s3Calls }) => s3Calls(options), loadFailed))
  return {
    name: 's3',
    open: async () => void (await calls()),
    read: async (key, how) => (await calls()).read(key, how),
    swap: async (key, swap, how) => (await calls()).swap(key, swap, how),
  }
}
