import type { Condition } from './s3-objects.ts'
import { sdkError } from './sdk-error.ts'

/** The tag of what is written only where conditions are ignored. */
export const UNSAFE_TAG = 'warmtoken-unsafe'

/** Conditions that cannot hold for an object that has just been created, and what a server that says 200 has done. */
const IMPOSSIBLE: readonly (readonly [Condition, string])[] = [
  [{ IfNoneMatch: '*' }, 'it answered 200 to two creates (If-None-Match: *) of one object'],
  [{ IfMatch: '"00000000000000000000000000000000"' }, 'it answered 200 to a write with the wrong ETag (If-Match)'],
]

/**
 * Asks, right after a create, whether the server honors conditions. `put` writes over that object. Resolves to what the
 * server did wrong, or to `undefined`. An honest server refuses both writes and nothing changes; on another one what is
 * written tells every later reader, at no cost to them.
 */
export async function probeConditions(
  put: (condition: Condition, told: string) => Promise<unknown>,
): Promise<{ readonly lie: string | undefined; readonly certain: boolean }> {
  const answers = await Promise.allSettled(IMPOSSIBLE.map(([condition, told]) => put(condition, told)))
  const lied = answers.findIndex(({ status }) => status === 'fulfilled')
  const certain = answers.every((answer) => answer.status === 'rejected' && isRefusal(sdkError(answer.reason).status))
  return { lie: IMPOSSIBLE[lied]?.[1], certain }
}

/** Only who honors conditions answers that one failed (412) or met another conditional write (409). */
function isRefusal(status: number | undefined): boolean {
  return status === 412 || status === 409
}
