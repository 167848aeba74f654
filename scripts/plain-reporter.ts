import type { Reporter, TestModule } from 'vitest/node'

/** How a test says that what it asks of a backend cannot be brought about there: no test was left out. */
const GAP = 'gap: '

/**
 * Ends a run with one plain line, `N passed, N failed`, with `, N skipped` behind it if there were any. Gaps are told in
 * a line of their own before it.
 */
export const plainReporter = (): Reporter => ({
  onTestRunEnd(modules, unhandledErrors) {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0, pending: 0, gaps: 0 }
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const result = test.result()
        if (result.state === 'skipped' && result.note?.startsWith(GAP)) counts.gaps += 1
        else counts[result.state] += 1
      }
      counts.failed += brokenSuites(module)
    }
    // A test that never came to an end has not passed.
    const failed = counts.failed + counts.pending
    // At the very end, behind what other reporters say.
    process.once('exit', () => {
      const skipped = counts.skipped === 0 ? '' : `, ${counts.skipped} skipped`
      if (counts.gaps > 0)
        process.stdout.write(`${counts.gaps} gaps: what a backend cannot do, see the table of stores and cases\n`)
      process.stdout.write(`${counts.passed} passed, ${failed} failed${skipped}\n`)
    })
  },
})

/** Files and suites that failed by themselves: in a hook, or before their tests were known. */
const brokenSuites = (module: TestModule): number => {
  const suites = [...module.children.allSuites()].filter((suite) => suite.errors().length > 0)
  return suites.length + (module.errors().length > 0 ? 1 : 0)
}
