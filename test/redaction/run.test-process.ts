/** Runs every path of one source, given by its number, and writes what came out into a file. */
import { writeFileSync } from 'node:fs'
import { type Finding, type Rest, startBench } from './bench.ts'
import { type Path, pathsOf } from './paths.ts'
import { subjectOf } from './sources.ts'
import { AWS_ENVIRONMENT } from './stores.ts'

/** What a path came to, and where it was run. */
export interface Ran extends Finding {
  readonly path: string
  readonly rest: Rest
  /** A regular expression for the outcome. */
  readonly expected: string
  readonly outcome: string
}

/** How many paths run side by side. */
const AT_ONCE = 4

const [, , number = '0', file = ''] = process.argv
const subject = subjectOf(Number(number))

Object.assign(process.env, AWS_ENVIRONMENT)

async function runPath(path: Path, rest: Rest): Promise<Ran> {
  const bench = await startBench(subject, rest)
  const outcome = await path.run(bench).then(
    (seen) => seen.join(', '),
    (error: unknown) => `failed: ${error}`,
  )
  const expected = (subject.outcomes?.[path.name] ?? path.outcome).source
  return { path: path.name, rest, expected, outcome, ...(await bench.finish()) }
}

const all = pathsOf(subject)
const ran: Ran[] = []
const waiting = (['sealed', 'plain'] as const).flatMap((rest) => all.map((path) => ({ path, rest })))
async function work(): Promise<void> {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
    ran.push(await runPath(next.path, next.rest))
}
// Each path has servers, a store and a folder of its own, so a few may run side by side.
await Promise.all(Array.from({ length: AT_ONCE }, work))
writeFileSync(file, JSON.stringify(ran))
