import { median, medianRatio, show } from '../run/numbers.ts'
import { type Details, type Goal, publish } from '../run/page.ts'
import { column } from '../run/rounds.ts'
import type { ColdStarts, Costs } from './measure.ts'
import { EMPTY, EMPTY_BARE, firsts, loads, type Variant } from './variants.ts'

interface Results extends ColdStarts {
  readonly rounds: number
}

const ABOUT = `Each bundle is minified ES modules by esbuild. It is loaded in new processes, in turn with the others; the time of an empty bundle in
the same round is subtracted. The process is **as in Lambda**: it has already loaded \`node:http\`, \`fs\`, \`path\`, \`util\`, \`async_hooks\` and
\`stream\`, as the runtime client does before it calls a handler. The rows *bare process* have loaded nothing.
*First token* is from the start of loading until the token is available. The store is a local DynamoDB behind HTTPS, and the limit is one request signed by
hand in 60 lines and sent by \`node:https\`. A real table adds the same network to all.
*Plugin* is \`builtinModules()\` of \`@warmtoken/core/esbuild\`; ours are with it unless said otherwise, the peers without.`

/** One field over the empty bundle, round by round. */
function over({ measured }: Results) {
  return ({ name, bare = false }: Variant, of: keyof Costs): readonly number[] => {
    const empty = column(measured, (bare ? EMPTY_BARE : EMPTY).name, (costs) => costs[of])
    return column(measured, name, (costs) => costs[of]).map((one, round) => one - (empty[round] ?? Number.NaN))
  }
}

function named(variants: readonly Variant[], name: string): Variant {
  const found = variants.find((one) => one.name === name)
  if (found === undefined) throw new TypeError(`no variant "${name}"`)
  return found
}

function loadGoals(results: Results): readonly Goal[] {
  const added = over(results)
  const ours = named(loads, 'warmtoken + Middy')
  const [limit = ours] = loads.filter(({ part }) => part === 'limit')
  const bytes = (variant: Variant): number => (results.bundles.get(variant.name)?.bytes ?? Number.NaN) / 1_000
  const times = (variant: Variant): number => medianRatio(added(variant, 'load'), added(limit, 'load'))
  // Cachified has no tiers; the nearest that has is bentocache with its client.
  const rival = named(loads, 'bentocache + Middy + DynamoDB client')
  return [
    {
      what: 'loading core + Middy',
      limit: `${limit.name}: ${show(median(added(limit, 'load')))} ms`,
      ours: times(ours),
      goal: 5,
      peer: { name: rival.name, ratio: times(rival) },
    },
    {
      what: 'bytes of core + Middy',
      limit: `${show(bytes(limit))} KB`,
      ours: bytes(ours),
      unit: ' KB',
      goal: 18,
      peer: { name: rival.name, ratio: bytes(rival) },
    },
  ]
}

function firstGoals(results: Results): readonly Goal[] {
  const added = over(results)
  const ratio = (name: string, against: string): number =>
    medianRatio(added(named(firsts, name), 'first'), added(named(firsts, against), 'first'))
  const raw = firsts[0]?.name ?? ''
  const goal = (what: string, name: string, against: string, most: number, peer?: string): Goal => ({
    what,
    limit: against,
    ours: ratio(name, against),
    goal: most,
    peer: peer === undefined ? undefined : { name: peer, ratio: ratio(peer, against) },
  })
  return [
    goal('first token by DynamoDB', 'warmtoken, credentials in env', raw, 1.35, 'request signed by hand, fetch'),
    goal('through the SDK', 'warmtoken through the SDK', 'SDK alone, our plugin', 1.15),
    goal('through the SDK, no plugin', 'warmtoken through the SDK, no plugin', 'SDK alone', 1.15),
    goal('with a client handed in', 'warmtoken with a client handed in', 'SDK alone, our plugin', 1.15),
    goal('the SDK with our plugin', 'SDK alone, our plugin', 'SDK alone', 1),
  ]
}

function table(results: Results, title: string, variants: readonly Variant[], time: 'load' | 'first'): Details {
  const added = over(results)
  const rows = variants.map((variant) => {
    const { bytes = Number.NaN, all = Number.NaN } = results.bundles.get(variant.name) ?? {}
    return {
      name: variant.name,
      time: median(added(variant, time)),
      rest: [median(added(variant, 'cpu')), median(added(variant, 'memory')) / 1_024, bytes / 1_000, all / 1_000],
    }
  })
  return {
    title,
    head: [
      '',
      time === 'load' ? 'loading, ms' : 'first token, ms',
      'processor, ms',
      'memory, MB',
      'KB at start',
      'KB in all',
    ],
    rows: rows
      .sort((one, other) => one.time - other.time)
      .map((one) => [one.name, show(one.time), ...one.rest.map(show)]),
  }
}

/** Prints and writes what was found. */
export async function tell(results: Results): Promise<void> {
  const added = over(results)
  await publish({
    name: 'cold',
    title: 'A new process',
    about: ABOUT,
    goals: [...loadGoals(results), ...firstGoals(results)],
    details: [table(results, 'First token', firsts, 'first'), table(results, 'Loading', loads, 'load')],
    picture: {
      title: 'From the start of loading to the first token, over an empty bundle',
      axis: 'ms',
      bars: firsts.map((one) => ({
        name: one.name,
        value: median(added(one, 'first')),
        ours: one.part === 'ours',
      })),
    },
    rounds: results.rounds,
  })
}
