/** What `doctor` learns about a bucket: which of its objects a lifecycle rule deletes. @module */

import type { LifecycleRule } from '@aws-sdk/client-s3'

/** How long one request may take, in ms. */
const TIMEOUT = 10_000
/** A body is kept for seven days longer than its value may be served, so no rule may delete it before. */
export const MIN_BODY_DAYS = 8

/** Facts of a bucket. */
export interface BucketFacts {
  /** Whether it holds bodies of large values. */
  readonly hasBodies: boolean
  /** Lifecycle rules that delete bodies, and those that delete records which invalidate, by their names. */
  readonly deletesBodies: readonly string[]
  /** Those that delete bodies too early, with the age in words. */
  readonly deletesBodiesEarly: readonly string[]
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
    const lifecycle = await client
      .send(new GetBucketLifecycleConfigurationCommand({ Bucket: bucket }), how)
      .catch((error: Error) => {
        if (error.name === 'NoSuchLifecycleConfiguration') return { Rules: [] }
        throw error
      })
    const deleting = (lifecycle.Rules ?? []).filter(isDeleting)
    const named = (rules: readonly LifecycleRule[]) => rules.map(nameOf)
    const covering = (start: string): readonly LifecycleRule[] =>
      deleting.filter((rule) => start.startsWith(prefixOf(rule)) || prefixOf(rule).startsWith(start))
    return {
      hasBodies,
      deletesBodies: named(deleting.filter((rule) => bodies.startsWith(prefixOf(rule)))),
      deletesBodiesEarly: covering(bodies).flatMap((rule, index) => {
        const age = earlyAgeOf(rule)
        return age === undefined ? [] : [`${nameOf(rule, index)} deletes bodies ${age}`]
      }),
      deletesGenerations: named(covering(generations)),
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

/** At which age a rule deletes bodies, where that is too early for any of them. `undefined`: it is late enough. */
function earlyAgeOf({ Expiration: { Days } = {} }: LifecycleRule): string | undefined {
  if (Days === undefined) return 'of any age, by a date'
  return Days < MIN_BODY_DAYS ? `after ${Days} days` : undefined
}

function nameOf({ ID }: LifecycleRule, index: number): string {
  return ID ?? `rule ${index + 1}`
}

function prefixOf({ Prefix, Filter }: LifecycleRule): string {
  return Filter?.Prefix ?? Filter?.And?.Prefix ?? Prefix ?? ''
}
