/** `pnpm simulate [--runs N] [--seed S] [--trace] [--write FILE]`: the simulator from the command line. */
import { writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { prepareRun } from '@warmtoken/core/simulator'
import { describeSummary, type Part, REQUIRED } from './report.ts'
import { inWorkers } from './workers.ts'

const usage = `pnpm simulate [--runs N] [--seed S] [--trace] [--write FILE]
  --runs N      how many runs, 1 to 100,000,000 (default 20,000)
  --seed S      the first seed; run k has seed S + k (default 1)
  --trace       print everything that happens in the one run of seed S
  --write FILE  write the result as a page`

function fail(message: string): never {
  console.error(`${message}\n\n${usage}`)
  process.exit(2)
}

function whole(name: string, text: string, most: number): number {
  const number = Number(text)
  return Number.isInteger(number) && number >= 1 && number <= most
    ? number
    : fail(`--${name} takes a whole number from 1 to ${most}, not "${text}"`)
}

function read(): { runs: number; seed: number; trace: boolean; write: string | undefined } {
  try {
    const { values } = parseArgs({
      options: {
        runs: { type: 'string', default: '20000' },
        seed: { type: 'string', default: '1' },
        trace: { type: 'boolean', default: false },
        write: { type: 'string' },
      },
    })
    return {
      runs: whole('runs', values.runs, 1e8),
      seed: whole('seed', values.seed, 2 ** 31),
      trace: values.trace,
      write: values.write,
    }
  } catch (error) {
    return fail(error instanceof Error ? error.message : 'wrong arguments')
  }
}

async function traceOne(seed: number): Promise<void> {
  const run = prepareRun(seed, { trace: (line) => console.log(line) })
  while (run.step()) await new Promise((resolve) => setImmediate(resolve))
  const { scenario, violations } = run.finish()
  console.log(scenario, violations.length === 0 ? 'no violation' : violations)
}

const { runs, seed, trace, write } = read()
if (trace) await traceOne(seed)
else {
  const startedAt = performance.now()
  const parts: readonly Part[] = await inWorkers({ seed, runs, workers: availableParallelism() })
  const summary = describeSummary(parts, (performance.now() - startedAt) / 1_000, seed)
  console.log(summary.text)
  if (write !== undefined) await writeFile(write, summary.page)
  for (const { seed: bad } of parts.flatMap(({ failures }) => failures).slice(0, 5)) {
    console.log(`look at it: pnpm simulate --seed ${bad} --trace`)
  }
  const missing = REQUIRED.filter((name) => !summary.seen.has(name))
  if (runs >= 20_000 && missing.length > 0) console.log(`never seen, so nothing was shown of: ${missing.join(', ')}`)
  if (summary.failures > 0 || (runs >= 20_000 && missing.length > 0)) process.exitCode = 1
}
