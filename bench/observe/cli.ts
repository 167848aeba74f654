// `pnpm bench observe`: what listening adds to a get that memory has.
import { ask, COUNTING, SOURCES } from '../run/child.ts'
import { readCommand } from '../run/command.ts'
import { median, quantile, show } from '../run/numbers.ts'
import { publish } from '../run/page.ts'
import { column, interleave } from '../run/rounds.ts'
import type { Costs } from './run.ts'
import { variants } from './variants.ts'

const script = new URL('./run.ts', import.meta.url)
const { flags } = readCommand({ name: 'pnpm bench observe', flags: ['rounds'] })
const [rounds = 25] = flags.get('rounds') ?? []
const measured = await interleave(
  variants.map(({ name }) => name),
  rounds,
  async (name) => ({
    ...(await ask<Pick<Costs, 'ns'>>(script, { args: [name, 'time'], flags: SOURCES })),
    ...(await ask<Pick<Costs, 'bytes'>>(script, { args: [name, 'bytes'], flags: COUNTING })),
  }),
)
/** A process runs this at one of two speeds from its start: what is compared is the better one. */
function quick(name: string): number {
  return quantile(
    column(measured, name, ({ ns }) => ns),
    0.25,
  )
}
const [limit = ''] = variants.map(({ name }) => name)
const found = variants.map(({ name }) => ({
  name,
  ns: quick(name),
  more: quick(name) - quick(limit),
  ratio: quick(name) / quick(limit),
  bytes: median(column(measured, name, ({ bytes }) => bytes)),
}))
function ratioOf(name: string): number {
  return found.find((one) => one.name === name)?.ratio ?? Number.NaN
}

await publish({
  name: 'observe',
  title: 'Observing a warm get',
  about: `One \`get\` of a token of 1 KB that is in memory, while nobody listens, and in several ways that someone does. Each way runs in
processes of its own, in turns with the others; processor time, the lower quartile of each. A report counts hits in memory by a number of the
entry; OpenTelemetry and Powertools metrics have no use for them. A listener of your own makes each hit an event: the goal for one is 200 ns.`,
  goals: [
    { what: 'with a report', limit, ours: ratioOf('report'), goal: 1.05 },
    { what: 'with a report and OpenTelemetry', limit, ours: ratioOf('report and OpenTelemetry'), goal: 1.05 },
    { what: 'with a report and Powertools metrics', limit, ours: ratioOf('report and Powertools metrics'), goal: 1.05 },
  ],
  details: [
    {
      title: 'All',
      head: ['', '× nobody listens', 'ns a get', 'ns more', 'bytes made a get'],
      rows: found.map((one) => [one.name, show(one.ratio), show(one.ns), show(one.more), one.bytes.toFixed(0)]),
    },
  ],
  picture: {
    title: 'One warm get, × nobody listens',
    axis: 'times a get while nobody listens',
    bars: found.map((one) => ({ name: one.name, value: one.ratio, ours: true })),
  },
  rounds,
})
