import type { Reporter, TestModule } from 'vitest/node'

/** Ends a run with one plain line, `N passed, N failed`, with `, N skipped` behind it if there were any. */
export const plainReporter = (): Reporter => ({
  onTestRunEnd(modules, unhandledErrors) {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0, pending: 0 }
    for (const module of modules) {
      for (const test of module.children.allTests()) counts[test.result().state] += 1
      counts.failed += brokenSuites(module)
    }
    // A test that never came to an end has not passed.
    const failed = counts.failed + counts.pending
    // At the very end, behind what other reporters say.
    process.once('exit', () => {
      const skipped = counts.skipped === 0 ? '' : `, ${counts.skipped} skipped`
      process.stdout.write(`${counts.passed} passed, ${failed} failed${skipped}\n`)
    })
  },
})

/** Files and suites that failed by themselves: in a hook, or before their tests were known. */
const brokenSuites = (module: TestModule): number => {
  const suites = [...module.children.allSuites()].filter((suite) => suite.errors().length > 0)
  return suites.length + (module.errors().length > 0 ? 1 : 0)
}
