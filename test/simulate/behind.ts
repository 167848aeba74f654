/** `pnpm simulate:behind [--runs N] [--seed S] [--trace]`: write-behinds in virtual time, from the command line. */
import { prepareBehindRun, simulateBehind } from '@warmtoken/core/simulator'
import { readFlags } from './flags.ts'

const { runs, seed, trace } = readFlags()

if (trace) {
  const run = prepareBehindRun(seed, { trace: (line) => console.log(line) })
  while (run.step()) await new Promise((resolve) => setImmediate(resolve))
  const { trouble, violations } = run.finish()
  console.log(trouble, violations)
} else {
  const startedAt = performance.now()
  const { failures, seen, calls, events } = await simulateBehind({ seed, runs, stopAfter: 5 })
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(0)
  console.log(`${runs} runs, ${events} events, ${calls} calls in ${seconds} s; ${failures.length} broke a promise`)
  for (const [name, count] of [...seen].sort()) console.log(`  ${name}: ${count}`)
  for (const { seed: bad, trouble, violations } of failures)
    console.log(`--seed ${bad} --trace`, trouble, violations.length, violations[0])
  if (failures.length > 0) process.exitCode = 1
}
