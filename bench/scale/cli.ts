/** `pnpm scale`: what a fleet costs, by simulation. Writes docs/scale.md and docs/scale.svg. */
import { writeFile } from 'node:fs/promises'
import { type Backend, readPrices, requestPrices } from '@warmtoken/cli/plan-cost'
import { readCommand } from '../run/command.ts'
import { draw } from './draw.ts'
import { measure, type Row } from './measure.ts'

const FLEETS = [1, 100, 1_000, 10_000]

function dollars(amount: number): string {
  return amount < 0.01 ? `$${amount.toExponential(1)}` : `$${amount.toFixed(2)}`
}

const HOURS_A_MONTH = 730

/** What the row's store requests cost, per refresh and per month, in US dollars. */
function costOf(row: Row, backend: Backend): { readonly refresh: number; readonly month: number } {
  const { read, write } = prices[backend]
  const total = row.environments * (row.reads * read + row.writes * write)
  return { refresh: total / row.refreshes, month: (total / row.hours) * HOURS_A_MONTH }
}

readCommand({ name: 'pnpm scale', flags: [] })
const prices = requestPrices(await readPrices())
const rows: Row[] = []
for (const steady of [false, true]) {
  for (const environments of FLEETS) {
    const row = await measure(environments, steady)
    rows.push(row)
    console.log(
      `${row.environments} ${row.situation}: ${row.issuerCalls.toFixed(1)} issuer calls, ${row.reads.toFixed(2)} reads and ${row.writes.toFixed(2)} writes per environment, p50 ${row.p50.toFixed(0)} ms, p99 ${row.p99.toFixed(0)} ms`,
    )
  }
}

const backends = Object.keys(prices) as Backend[]
function line(row: Row): string {
  const costs = backends.map((backend) => costOf(row, backend))
  const counts = [
    row.environments.toLocaleString('en-US'),
    row.situation,
    row.issuerCalls.toFixed(1),
    row.reads.toFixed(2),
    row.writes.toFixed(2),
    row.readsPerSecond.toLocaleString('en-US'),
  ]
  const waits = [row.p50.toFixed(0), row.p99.toFixed(0)]
  return `| ${[...counts, ...waits, ...costs.map(({ refresh }) => dollars(refresh)), ...costs.map(({ month }) => dollars(month))].join(' | ')} |`
}

const page = `# What a fleet costs

By simulation: the production engine, an issuer that takes 50 to 450 ms, a store that takes 2 to 24 ms a request, tokens that live an
hour. *Cold at once*: every environment asks in the same millisecond, with an empty store. *Steady*: each asks twelve times at random over
three hours; dollars a month are that rate kept up. Each row is the mean over eight seeds (two for the largest steady fleet), and each
seed has its own issuer latency. Made by \`pnpm scale\`.

![waits and requests over the size of the fleet](scale.svg)

| environments | | issuer calls | reads each | writes each | reads a second, at most | wait p50, ms | p99, ms | ${backends.map((backend) => `a refresh, ${backend}`).join(' | ')} | ${backends.map((backend) => `a month, ${backend}`).join(' | ')} |
|${'---|'.repeat(8 + 2 * backends.length)}
${rows.map(line).join('\n')}

A month of *cold at once* assumes that the whole fleet starts cold every hour, which no fleet does: it is the upper end. Prices are those
of us-east-1 in November 2026, on demand, for a record of up to 2 KB: DynamoDB 0.125 dollars a million read units and 0.625 a million
write units, S3 0.0004 a thousand GET and 0.005 a thousand PUT, Upstash 0.20 a hundred thousand commands.

*Reads a second, at most* is the worst second on the key. One key of DynamoDB gives 3,000 consistent or 6,000 eventually consistent reads
a second; the first read and the first eight looks of a wait are eventually consistent. What this cannot show: a real table throttles
above that, and above about 1,000 writes a second on one key. Environments that are turned away then back off, look at the value again,
and do not go to the issuer.
`
await writeFile(new URL('../../docs/scale.md', import.meta.url), page)
await writeFile(new URL('../../docs/scale.svg', import.meta.url), draw(rows))
console.log('written: docs/scale.md, docs/scale.svg')
