/** What `doctor` learns about a bucket: which of its objects a lifecycle rule deletes. @module */

import type { LifecycleRule } from '@aws-sdk/client-s3'

/** How long one request may take, in ms. */
const TIMEOUT = 10_000

/** Facts of a bucket. */
export interface BucketFacts {
  /** Whether it holds bodies of large values, and records that invalidate. */
  readonly hasBodies: boolean
  readonly hasGenerations: boolean
  /** Lifecycle rules that delete bodies, and those that delete records which invalidate, by their names. */
  readonly deletesBodies: readonly string[]
  readonly deletesGenerations: readonly string[]
}

interface Where {
  readonly region?: string | undefined
  readonly endpoint?: string | undefined
  readonly prefix?: string | undefined
}

/** Asks S3. Needs `s3:ListBucket` and `s3:GetLifecycleConfiguration`. */
export async function describeBucket(
  bucket: string,
  { region, endpoint, prefix = 'warmtoken/' }: Where,
): Promise<BucketFacts> {
  const { S3Client, ListObjectsV2Command, GetBucketLifecycleConfigurationCommand } = await import('@aws-sdk/client-s3')
  const client = new S3Client({ ...(region && { region }), ...(endpoint && { endpoint, forcePathStyle: true }) })
  const how = { abortSignal: AbortSignal.timeout(TIMEOUT) }
  const holds = async (start: string): Promise<boolean> => {
    const input = { Bucket: bucket, Prefix: start, MaxKeys: 1 }
    return ((await client.send(new ListObjectsV2Command(input), how)).Contents ?? []).length > 0
  }
  const [bodies, generations] = [`${prefix}body~`, `${prefix}gen~`]
  try {
    const hasBodies = await holds(bodies)
    const hasGenerations = await holds(generations)
    const lifecycle = await client
      .send(new GetBucketLifecycleConfigurationCommand({ Bucket: bucket }), how)
      .catch((error: Error) => {
        if (error.name === 'NoSuchLifecycleConfiguration') return { Rules: [] }
        throw error
      })
    const deleting = (lifecycle.Rules ?? []).filter(isDeleting)
    const named = (rules: readonly LifecycleRule[]) => rules.map(({ ID }, index) => ID ?? `rule ${index + 1}`)
    return {
      hasBodies,
      hasGenerations,
      deletesBodies: named(deleting.filter((rule) => bodies.startsWith(prefixOf(rule)))),
      deletesGenerations: named(
        deleting.filter((rule) => generations.startsWith(prefixOf(rule)) || prefixOf(rule).startsWith(generations)),
      ),
    }
  } finally {
    client.destroy()
  }
}

/** Whether a rule deletes objects. Those of our stores have no tags, so a rule for tagged ones reaches none. */
function isDeleting({ Status, Expiration, Filter }: LifecycleRule): boolean {
  const hasTags = Filter?.Tag !== undefined || (Filter?.And?.Tags ?? []).length > 0
  return Status === 'Enabled' && !hasTags && (Expiration?.Days !== undefined || Expiration?.Date !== undefined)
}

function prefixOf({ Prefix, Filter }: LifecycleRule): string {
  return Filter?.Prefix ?? Filter?.And?.Prefix ?? Prefix ?? ''
}
