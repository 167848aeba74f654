// Fills one way in a process of its own. Arguments: its name, how many tokens. Prints JSON.
import { processorTime } from '../run/processor.ts'
import { others } from './others.ts'
import { ours } from './ours.ts'

/** What one process measured, for each entry: bytes that stay, ns to fill, ns of a hit on any of them. */
export interface Costs {
  readonly bytes: number
  readonly fill: number
  readonly hit: number
}

const HITS = 50_000

function collect(): number {
  // The second one takes what finalizers of the first let go.
  globalThis.gc?.()
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

const [name, count = '1'] = process.argv.slice(2)
const variant = [...others, ...ours].find((one) => one.name === name)
if (variant === undefined) throw new TypeError(`no variant "${name}"`)
const size = Number(count)
// A rehearsal with one entry: code and lazy parts are not memory of an entry.
await variant.fill(1)
const before = collect()
const start = processorTime()
const filled = await variant.fill(size)
const fill = ((processorTime() - start) * 1_000) / size
const bytes = (collect() - before) / size

// Steps of a prime visit the entries in no order that a processor could foresee.
async function hits(): Promise<number> {
  const began = processorTime()
  for (let n = 0; n < HITS; n += 1) {
    const given = filled.get((n * 7_919) % size)
    const found = given instanceof Promise ? await given : given
    if (typeof found !== 'string') throw new Error(`${name} has lost a token`)
  }
  return ((processorTime() - began) * 1_000) / HITS
}
await hits()
const costs: Costs = { bytes, fill, hit: await hits() }
console.log(JSON.stringify(costs))
process.exit(filled.held === undefined ? 1 : 0)
