// `pnpm bench warm`: a token that is in memory.
import { ask, COUNTING, SOURCES } from '../run/child.ts'
import { readCommand } from '../run/command.ts'
import { median, medianRatio, show } from '../run/numbers.ts'
import { publish } from '../run/page.ts'
import { column, interleave } from '../run/rounds.ts'
import type { Costs } from './run.ts'
import type { Variant } from './variant.ts'
import { variants } from './variants.ts'

const script = new URL('./run.ts', import.meta.url)
const { flags } = readCommand({ name: 'pnpm bench warm', flags: ['rounds'] })
const [rounds = 15] = flags.get('rounds') ?? []
const measured = await interleave(
  variants.map(({ name }) => name),
  rounds,
  async (name) => ({
    ...(await ask<Pick<Costs, 'tight' | 'turn'>>(script, { args: [name, 'time'], flags: SOURCES })),
    ...(await ask<Pick<Costs, 'bytes'>>(script, { args: [name, 'bytes'], flags: COUNTING })),
  }),
)

function limitOf(form: Variant['form']): string {
  return variants.find((one) => one.form === form && one.part === 'limit')?.name ?? ''
}

const found = variants.map((variant) => {
  const limit = limitOf(variant.form)
  const of = (what: keyof Costs) => column(measured, variant.name, (costs) => costs[what])
  const ratio = (what: keyof Costs, against = limit) =>
    medianRatio(
      of(what),
      column(measured, against, (costs) => costs[what]),
    )
  return {
    ...variant,
    tight: ratio('tight'),
    turn: ratio('turn'),
    overMap: ratio('tight', limitOf('sync')),
    ns: median(of('tight')),
    turnNs: median(of('turn')),
    bytes: median(of('bytes')),
  }
})

function best(form: Variant['form'], of: 'tight' | 'turn'): { name: string; ratio: number } | undefined {
  const isPeer = (one: Variant): boolean => one.form === form && one.part === undefined && one.late !== true
  const peers = found.filter((one) => isPeer(one) && Number.isFinite(one[of]))
  const [first] = peers.sort((one, other) => one[of] - other[of])
  return first && { name: first.name, ratio: first[of] }
}
function mine(form: Variant['form'], of: 'tight' | 'turn' | 'bytes'): number {
  return found.find((one) => one.form === form && one.part === 'ours')?.[of] ?? Number.NaN
}

function goal(form: Variant['form'], of: 'tight' | 'turn') {
  return {
    what: `${form === 'sync' ? '`peek`' : 'awaited `get`'}, ${of === 'tight' ? 'in a loop' : 'one a turn of the event loop'}`,
    limit: limitOf(form),
    ours: mine(form, of),
    peer: best(form, of),
  }
}

await publish({
  name: 'warm',
  title: 'A token that is in memory',
  about: `One hit of a token of 1 KB. Each way runs in processes of its own, in turns with the others; processor time, medians of ratios to
the limit of its form in the same round. *In a loop* is what benchmarks usually show. *One a turn* is what a server does: what a call adds
to a turn of the event loop that does nothing else. lru-cache and ttlcache keep the time for a while instead of reading the clock, which is
nearly the whole cost of a hit. So they may return a value that has just expired, and are not compared in the goals.`,
  goals: [
    { ...goal('sync', 'tight'), goal: 1.3 },
    goal('sync', 'turn'),
    { ...goal('await', 'tight'), goal: 1.1 },
    goal('await', 'turn'),
  ],
  details: [
    {
      title: 'All',
      head: [
        '',
        'form',
        '× limit of its form',
        '× Map',
        'one a turn, × limit',
        'ns',
        'ns in a turn',
        'bytes made a call',
      ],
      rows: [...found]
        .sort((one, other) => one.overMap - other.overMap)
        .map((one) => [
          one.name,
          one.form,
          show(one.tight),
          show(one.overMap),
          show(one.turn),
          show(one.ns),
          show(one.turnNs),
          one.bytes.toFixed(0),
        ]),
    },
  ],
  picture: {
    title: 'One hit, × Map and Date.now()',
    axis: 'times the bare Map, in a loop',
    log: true,
    bars: found.map((one) => ({
      name: `${one.name} (${one.form})`,
      value: one.overMap,
      ours: one.part === 'ours' || one.part === 'ours-data',
    })),
  },
  rounds,
})
