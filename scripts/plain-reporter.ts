import { stripVTControlCharacters } from 'node:util'
import type { Reporter, TestModule } from 'vitest/node'

/** Characters of an error, and of the difference between what was expected and what came, that are said again at the end. */
const MESSAGE_LENGTH = 600

/** How a test says that what it asks of a backend cannot be brought about there: no test was left out. */
const GAP = 'gap: '

/**
 * Ends a run with one plain line, `N passed, N failed`, with `, N skipped` behind it if there were any. Before it stand
 * the gaps, a line `not run: …` for each file and reason of tests that were skipped, and a line `failed: …` for whatever failed: the end of a long log is all that some see of it.
 */
export function plainReporter(): Reporter {
  return {
    onTestRunEnd(modules, unhandledErrors) {
      const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0, pending: 0, gaps: 0 }
      const failures = unhandledErrors.map((error) => line('an error outside the tests', [error]))
      const notRun = new Map<string, number>()
      for (const module of modules) {
        for (const test of module.children.allTests()) {
          const result = test.result()
          if (result.state === 'skipped' && result.note?.startsWith(GAP)) counts.gaps += 1
          else counts[result.state] += 1
          if (result.state === 'skipped' && !result.note?.startsWith(GAP)) {
            const what = `${module.relativeModuleId}${result.note === undefined ? '' : `: ${result.note}`}`
            notRun.set(what, (notRun.get(what) ?? 0) + 1)
          }
          if (result.state === 'failed')
            failures.push(line(`${module.relativeModuleId} > ${test.fullName}`, result.errors))
          if (result.state === 'pending')
            failures.push(line(`${module.relativeModuleId} > ${test.fullName}: no end`, []))
        }
        const broken = brokenSuites(module)
        counts.failed += broken.length
        failures.push(...broken)
      }
      // A test that never came to an end has not passed.
      const failed = counts.failed + counts.pending
      // At the end, after what other reporters say.
      process.once('exit', () => {
        const skipped = counts.skipped === 0 ? '' : `, ${counts.skipped} skipped`
        for (const [what, count] of notRun) process.stdout.write(`not run: ${count} of ${what}\n`)
        for (const failure of failures) process.stdout.write(`${failure}\n`)
        if (counts.gaps > 0)
          process.stdout.write(`${counts.gaps} gaps: what a backend cannot do, see the table of stores and cases\n`)
        process.stdout.write(`${counts.passed} passed, ${failed} failed${skipped}\n`)
      })
    },
  }
}

/** A line for each file and suite that failed on its own: in a hook, or before its tests were known. */
function brokenSuites(module: TestModule): string[] {
  const { relativeModuleId } = module
  const suites = [...module.children.allSuites()].filter((suite) => suite.errors().length > 0)
  const lines = suites.map((suite) => line(`${relativeModuleId} > ${suite.fullName}`, suite.errors()))
  return module.errors().length > 0 ? [...lines, line(relativeModuleId, module.errors())] : lines
}

function line(what: string, errors: readonly { readonly message: string; readonly diff?: string }[]): string {
  const told = errors.flatMap(({ message, diff = '' }) =>
    [message, stripVTControlCharacters(diff)].map((text) => text.replace(/\s+/g, ' ').slice(0, MESSAGE_LENGTH)),
  )
  return ['failed:', what, ...told.filter((text) => text !== '').map((text) => `| ${text}`)].join(' ')
}
