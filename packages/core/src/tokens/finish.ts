import type { Refreshing } from './types.ts'

/**
 * Finishes what is in progress when a handler has returned: waits for this work, then for the refreshes of these owners,
 * which are aborted when no time is left. The work must not reject. Loaded when there is something to finish: a hit does
 * without it, and it would take 170 bytes of what each hit loads.
 */
export async function finish(
  owners: readonly Refreshing[],
  work: Promise<void> | undefined,
  timeLeft: () => number,
): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, timeLeft())
    void Promise.resolve(work).then(() => {
      clearTimeout(timer)
      resolve()
    })
  })
  const timeout = timeLeft()
  await Promise.all(owners.map((one) => one.settle({ timeout })))
}
