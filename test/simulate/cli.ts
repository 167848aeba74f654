/** `pnpm simulate [--runs N] [--minutes M] [--seed S] [--data] [--trace] [--write FILE]`: the simulator from the command line. */
import { writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { prepareDataRun, prepareRun } from '@warmtoken/core/simulator'
import { describeSummary, type Part, REQUIRED, REQUIRED_OF_DATA } from './report.ts'
import { inWorkers } from './workers.ts'

/** How often a long simulation says how far it is, in ms. */
const PROGRESS_EVERY = 30_000

const usage = `pnpm simulate [--runs N] [--minutes M] [--seed S] [--data] [--trace] [--write FILE]
  --runs N      how many runs, 1 to 100,000,000 (default 20,000)
  --minutes M   ends earlier after M minutes, 1 to 10,000; so does an interrupt (Ctrl+C)
  --seed S      the first seed; run k has seed S + k (default 1)
  --data        caches and their invalidation instead of tokens
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

interface Given {
  readonly runs: number
  readonly minutes: number
  readonly seed: number
  readonly data: boolean
  readonly trace: boolean
  readonly write: string | undefined
}

function read(): Given {
  try {
    const { values } = parseArgs({
      options: {
        runs: { type: 'string', default: '20000' },
        minutes: { type: 'string', default: '10000' },
        seed: { type: 'string', default: '1' },
        data: { type: 'boolean', default: false },
        trace: { type: 'boolean', default: false },
        write: { type: 'string' },
      },
    })
    return {
      runs: whole('runs', values.runs, 1e8),
      minutes: whole('minutes', values.minutes, 10_000),
      seed: whole('seed', values.seed, 2 ** 31),
      data: values.data,
      trace: values.trace,
      write: values.write,
    }
  } catch (error) {
    return fail(error instanceof Error ? error.message : 'wrong arguments')
  }
}

async function traceOne(seed: number): Promise<void> {
  const run = (data ? prepareDataRun : prepareRun)(seed, { trace: (line) => console.log(line) })
  while (run.step()) await new Promise((resolve) => setImmediate(resolve))
  const { scenario, violations } = run.finish()
  console.log(scenario, violations.length === 0 ? 'no violation' : violations)
}

/** Says on stderr which runs broke a promise, at once, and now and then how far the simulation is. */
function createProgress(runs: number): (part: Part) => void {
  let done = 0
  let broken = 0
  let saidAt = performance.now()
  return (part) => {
    done += part.runs
    broken += part.failures.length
    for (const { seed: bad } of part.failures) console.error(`seed ${bad} broke a promise`)
    if (performance.now() - saidAt < PROGRESS_EVERY) return
    saidAt = performance.now()
    console.error(`${done.toLocaleString('en-US')} of ${runs.toLocaleString('en-US')} runs, ${broken} broke a promise`)
  }
}

const { runs, minutes, seed, data, trace, write } = read()
const required = data ? REQUIRED_OF_DATA : REQUIRED
if (trace) await traceOne(seed)
else {
  const startedAt = performance.now()
  const end = new AbortController()
  process.once('SIGINT', () => end.abort())
  setTimeout(() => end.abort(), minutes * 60_000).unref()
  const parts: readonly Part[] = await inWorkers({
    what: data ? 'data' : 'tokens',
    seed,
    runs,
    workers: availableParallelism(),
    signal: end.signal,
    onPart: createProgress(runs),
  })
  const summary = describeSummary(parts, (performance.now() - startedAt) / 1_000, { seed, data })
  console.log(summary.text)
  if (write !== undefined) await writeFile(write, summary.page)
  for (const { seed: bad } of parts.flatMap(({ failures }) => failures).slice(0, 5)) {
    console.log(`look at it: pnpm simulate ${data ? '--data ' : ''}--seed ${bad} --trace`)
  }
  const missing = required.filter((name) => !summary.seen.has(name))
  const isLong = summary.runs >= 20_000
  if (isLong && missing.length > 0) console.log(`never seen, so nothing was shown of: ${missing.join(', ')}`)
  if (summary.failures > 0 || (isLong && missing.length > 0)) process.exitCode = 1
}
