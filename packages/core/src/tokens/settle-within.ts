import type { Tokens } from './tokens.ts'

/**
 * Resolves when all of these works have ended, however they did, and what is under way for these tokens has, after `ms`
 * at the latest; then the latter is aborted.
 */
export const settleWithin = async (ms: number, works: readonly unknown[], owners: readonly Tokens[]): Promise<void> => {
  const startedAt = performance.now()
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms)
    void Promise.allSettled(works).then(() => {
      clearTimeout(timer)
      resolve()
    })
  })
  const timeout = Math.max(0, ms - (performance.now() - startedAt))
  await Promise.all(owners.map((tokens) => tokens.settle({ timeout })))
}
