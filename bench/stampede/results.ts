import { median, medianRatio, show } from '../run/numbers.ts'
import { type Details, type Goal, publish } from '../run/page.ts'
import { column, type Measured } from '../run/rounds.ts'
import type { FleetCosts } from './fleet.ts'
import { ISSUER_DELAY, oneVariants } from './one.ts'
import { BY_TCP } from './ours.ts'
import type { OneCosts } from './run-one.ts'
import { fleetVariants } from './variants.ts'

interface Results {
  readonly one: Measured<OneCosts>
  readonly fleets: ReadonlyMap<number, Measured<FleetCosts>>
  readonly rounds: number
}

const ABOUT = `The issuer takes ${ISSUER_DELAY} ms. *In one process* 1,000 callers ask at once, in processes of their own, in turns with the others. *A fleet* is
processes of this machine that ask at the same instant for a key that is nowhere; its limit is a bare loop over Redis that locks with
\`SET NX\` and reads again every 10 ms, and would never recover from a process that dies with the lock. Each way starts with empty memory;
what it loads and connects lazily has been rehearsed, so that only the waiting is compared. Ours runs on Redis by the same client as the loop, on Redis through a local REST API, and
on a local DynamoDB; all others on Redis directly except for @upstash/lock. The locks get more attempts than by default, because otherwise most of a
fleet fails. With 200 processes on few cores the processor is the bottleneck: read the fetches there, not the times.`

function nameOf<T extends { readonly name: string; readonly part?: string }>(all: readonly T[], part: string): string {
  return all.find((one) => one.part === part)?.name ?? ''
}

interface Row {
  readonly name: string
  readonly part: string | undefined
  readonly ms: number
  readonly ratio: number
  readonly fetches: number
  readonly errors: number
}

function rowsOf<T extends { readonly ms: number; readonly fetches: number; readonly errors?: number }>(
  all: readonly { readonly name: string; readonly part?: string }[],
  measured: Measured<T>,
): readonly Row[] {
  const limit = column(measured, nameOf(all, 'limit'), ({ ms }) => ms)
  return all
    .map(({ name, part }) => {
      const times = column(measured, name, ({ ms }) => ms)
      return {
        name,
        part,
        ms: median(times),
        ratio: medianRatio(times, limit),
        // The worst, for one fetch too many is one too many.
        fetches: Math.max(...column(measured, name, ({ fetches }) => fetches)),
        errors: Math.max(...column(measured, name, ({ errors = 0 }) => errors)),
      }
    })
    .sort((one, other) => one.ms - other.ms)
}

function table(title: string, rows: readonly Row[]): Details {
  return {
    title,
    head: ['', 'ms until all have it', '× limit', 'fetches, at most', 'errors, at most'],
    rows: rows.map(({ name, ms, ratio, fetches, errors }) => [
      name,
      show(ms),
      show(ratio),
      String(fetches),
      String(errors),
    ]),
  }
}

function oneGoals(rows: readonly Row[]): readonly Goal[] {
  const ours = rows.find(({ part }) => part === 'ours')
  const [peer] = rows.filter(({ part }) => part === undefined)
  const limit = nameOf(oneVariants, 'limit')
  return [
    {
      what: '1,000 concurrent gets in one process: time',
      limit,
      ours: ours?.ratio ?? Number.NaN,
      goal: 1.05,
      peer: peer && { name: peer.name, ratio: peer.ratio },
    },
    { what: 'the same: fetches', limit, ours: ours?.fetches ?? Number.NaN, goal: 1 },
  ]
}

function fleetGoals(size: number, rows: readonly Row[]): readonly Goal[] {
  return rows
    .filter(({ part }) => part === 'ours')
    .flatMap(({ name, ratio, fetches, errors }) => {
      const limit = nameOf(fleetVariants, 'limit')
      // A peer is one that fetches once and fails nowhere.
      const [peer] = rows.filter((one) => one.part === undefined && one.fetches === 1 && one.errors === 0)
      const rival = peer && { name: peer.name, ratio: peer.ratio }
      return [
        { what: `${size} processes, ${name}: fetches`, limit, ours: fetches + errors, goal: 1 },
        { what: 'the same: time until all have it', limit, ours: ratio, peer: rival, ...timeGoal(name, size) },
      ]
    })
}

/** Only where all that differs is the protocol: the same server and client as the loop, and processors enough. */
function timeGoal(name: string, size: number): { readonly goal: number } | undefined {
  return name === BY_TCP && size <= 20 ? { goal: 1.5 } : undefined
}

/** Prints and writes what was found. */
export async function tell({ one, fleets, rounds }: Results): Promise<void> {
  const alone = rowsOf(oneVariants, one)
  const together = [...fleets].map(([size, measured]) => ({ size, rows: rowsOf(fleetVariants, measured) }))
  const [first] = together
  await publish({
    name: 'stampede',
    title: 'A stampede',
    about: ABOUT,
    goals: [...oneGoals(alone), ...together.flatMap(({ size, rows }) => fleetGoals(size, rows))],
    details: [
      table('1,000 callers in one process', alone),
      ...together.map(({ size, rows }) => table(`${size} processes`, rows)),
    ],
    picture: {
      title: `Calls to the issuer when ${first?.size ?? 0} processes ask at once`,
      axis: 'calls; one is enough',
      bars: (first?.rows ?? []).map(({ name, fetches, part }) => ({ name, value: fetches, ours: part === 'ours' })),
    },
    rounds,
  })
}
