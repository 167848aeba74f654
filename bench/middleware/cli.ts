// `pnpm bench middleware`: what a token on the context of a handler adds to Middy, when memory has it.
import { ask, COUNTING, SOURCES } from '../run/child.ts'
import { readCommand } from '../run/command.ts'
import { median, quantile, show } from '../run/numbers.ts'
import { publish } from '../run/page.ts'
import { column, interleave } from '../run/rounds.ts'
import type { Costs } from './run.ts'
import { variants } from './variants.ts'

const script = new URL('./run.ts', import.meta.url)
const { flags } = readCommand({ name: 'pnpm bench middleware', flags: ['rounds'] })
const [rounds = 25] = flags.get('rounds') ?? []
const measured = await interleave(
  variants.map(({ name }) => name),
  rounds,
  async (name) => ({
    ...(await ask<Pick<Costs, 'ns'>>(script, { args: [name, 'time'], flags: SOURCES })),
    ...(await ask<Omit<Costs, 'ns'>>(script, { args: [name, 'made'], flags: COUNTING })),
  }),
)
/** A process runs this at one of two speeds from its start, half as fast again: what is compared is the better one. */
function quick(numbers: readonly number[]): number {
  return quantile(numbers, 0.25)
}
const limit = variants.find(({ part }) => part === 'limit')?.name ?? ''
const found = variants.map((variant) => {
  const of = (what: keyof Costs) => column(measured, variant.name, (costs) => costs[what])
  const ns = quick(of('ns'))
  const ratio = ns / quick(column(measured, limit, (costs) => costs.ns))
  return { ...variant, ratio, ns, bytes: median(of('bytes')), promises: median(of('promises')) }
})
function ratioOf(name: string): number {
  return found.find((one) => one.name === name)?.ratio ?? Number.NaN
}
const mine = found.find(({ part }) => part === 'ours')?.ratio ?? Number.NaN
const [peer] = found.filter(({ part }) => part === undefined).sort((one, other) => one.ratio - other.ratio)

await publish({
  name: 'middleware',
  title: 'A token on the context',
  about: `One invocation of a Middy handler, with a token that is in memory. Each way runs in processes of its own, in turns with the others;
processor time, the lower quartile of each, because a process runs at one of two speeds from its start and a median falls between them. The empty \`before\` is the least that any middleware costs.`,
  goals: [
    {
      what: 'Middy with our middleware, memory hit',
      limit,
      ours: mine,
      goal: 1.35,
      peer: peer && { name: peer.name, ratio: peer.ratio },
    },
    {
      what: 'the same over an empty `before`',
      limit: 'Middy + an empty before',
      ours: mine / ratioOf('Middy + an empty before'),
    },
  ],
  details: [
    {
      title: 'All',
      head: ['', '× Middy with nothing', 'ns an invocation', 'bytes made', 'promises made'],
      rows: [...found]
        .sort((one, other) => one.ns - other.ns)
        .map((one) => [one.name, show(one.ratio), show(one.ns), one.bytes.toFixed(0), String(one.promises)]),
    },
  ],
  picture: {
    title: 'One invocation, × Middy with nothing',
    axis: 'times Middy with nothing',
    bars: found.map((one) => ({ name: one.name, value: one.ratio, ours: one.part === 'ours' })),
  },
  rounds,
})
