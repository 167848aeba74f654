// `pnpm bench sessions`: what a known session costs, and what a flood of random tokens does.
import { ask, SOURCES } from '../run/child.ts'
import { readCommand } from '../run/command.ts'
import { median, medianRatio, show } from '../run/numbers.ts'
import { publish } from '../run/page.ts'
import { column, interleave } from '../run/rounds.ts'
import type { Flooded } from './flood.ts'
import { LIMIT, OURS } from './run.ts'

/** How long a flood lasts, in seconds. */
const SECONDS = 10

const { flags } = readCommand({ name: 'pnpm bench sessions', flags: ['rounds'] })
const [rounds = 15] = flags.get('rounds') ?? []
const measured = await interleave([LIMIT, OURS], rounds, (name) =>
  ask<{ readonly ns: number }>(new URL('./run.ts', import.meta.url), { args: [name], flags: SOURCES }),
)
const ns = (name: string): readonly number[] => column(measured, name, (one) => one.ns)
const ratio = medianRatio(ns(OURS), ns(LIMIT))

const flood = (form: 'keyed' | 'keyless'): Promise<Flooded> =>
  ask(new URL('./flood.ts', import.meta.url), { args: [form, String(SECONDS)], flags: SOURCES })
const keyed = await flood('keyed')
const keyless = await flood('keyless')

const floodRow = (name: string, { reads, seconds, limited, tokens, calm, busy, heap }: Flooded): readonly string[] => [
  name,
  show(reads / seconds),
  `${show((100 * limited) / tokens)} %`,
  show(calm),
  show(busy),
  heap.map(show).join(', '),
]

await publish({
  name: 'sessions',
  title: 'A session that is in memory',
  about: `\`peek\` of a session that this environment knows, in processes of its own, in turns with its limit; processor time.
The flood: 10,000 random tokens a second for ${SECONDS} seconds at one environment with one valid session, in batches of 100. They have the right
form, and without a \`key\` their checksum is right too. The valid session is looked at before and after each batch; \`verify\` of the random ones
rejects, which is a 503, where it may not read.`,
  goals: [
    { what: 'a known session', limit: LIMIT, ours: ratio, goal: 1.5 },
    {
      what: 'the same under a flood, with `key`',
      limit: 'before each batch',
      ours: keyed.busy / keyed.calm,
      goal: 1.2,
    },
    {
      what: 'the same under a flood, without `key`',
      limit: 'before each batch',
      ours: keyless.busy / keyless.calm,
      goal: 1.2,
    },
    { what: 'reads in a flood, with `key`', limit: 'none', ours: keyed.reads, unit: ' reads', goal: 0 },
    {
      what: 'reads a second in a flood, without `key`',
      limit: '`readsPerSecond`: 50',
      ours: keyless.reads / keyless.seconds,
      unit: ' reads',
      goal: 55,
    },
  ],
  details: [
    {
      title: 'One call',
      head: ['', 'ns'],
      rows: [LIMIT, OURS].map((name) => [name, show(median(ns(name)))]),
    },
    {
      title: 'Under a flood',
      head: ['', 'reads a second', 'answered by 503', 'valid session before, ns', 'after, ns', 'heap every 2 s, MB'],
      rows: [floodRow('with `key`', keyed), floodRow('without `key`', keyless)],
    },
  ],
  picture: {
    title: 'A known session, ns',
    axis: 'ns',
    bars: [LIMIT, OURS].map((name) => ({ name, value: median(ns(name)), ours: name === OURS })),
  },
  rounds,
})
