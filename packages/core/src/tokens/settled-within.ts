/** Resolves when all of these have ended, however they did, and after `ms` at the latest; to how many ms are left. */
export const settledWithin = async (ms: number, works: object): Promise<number> => {
  const startedAt = performance.now()
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms)
    void Promise.allSettled(Object.values(works)).then(() => {
      clearTimeout(timer)
      resolve()
    })
  })
  return Math.max(0, ms - (performance.now() - startedAt))
}
