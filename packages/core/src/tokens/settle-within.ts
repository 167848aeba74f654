import type { Tokens } from './tokens.ts'

/**
 * Resolves when this work has ended, and what is under way for these tokens has, after `ms` at the latest; then the latter
 * is aborted. The work must not reject.
 */
export async function settleWithin(
  ms: number,
  work: Promise<void> | undefined,
  owners: readonly Tokens[],
): Promise<void> {
  const startedAt = performance.now()
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms)
    void Promise.resolve(work).then(() => {
      clearTimeout(timer)
      resolve()
    })
  })
  const timeout = Math.max(0, ms - (performance.now() - startedAt))
  await Promise.all(owners.map((tokens) => tokens.settle({ timeout })))
}
