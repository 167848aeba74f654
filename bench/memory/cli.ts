// `pnpm bench memory`: from one token to a million.
import { ask, SOURCES } from '../run/child.ts'
import { readCommand } from '../run/command.ts'
import { median, medianRatio, show } from '../run/numbers.ts'
import { publish } from '../run/page.ts'
import { column, interleave, type Measured } from '../run/rounds.ts'
import { others } from './others.ts'
import { ours } from './ours.ts'
import type { Costs } from './run.ts'

/** From then on a size is filled fewer times. */
const MANY = 1_000_000
const variants = [...others, ...ours]
const { flags } = readCommand({ name: 'pnpm bench memory', flags: ['rounds', 'sizes'] })
const [rounds = 3] = flags.get('rounds') ?? []
const sizes = flags.get('sizes') ?? [1, 1_000, 100_000, 1_000_000]
const FLAGS = [...SOURCES, '--expose-gc', '--max-old-space-size=12000']

const bySize = new Map<number, Measured<Costs>>()
for (const size of sizes) {
  const measured = await interleave(
    variants.map(({ name }) => name),
    // Filling a million takes minutes, and bytes do not scatter.
    size >= MANY ? Math.ceil(rounds / 3) : rounds,
    (name) => ask<Costs>(new URL('./run.ts', import.meta.url), { args: [name, String(size)], flags: FLAGS }),
  )
  bySize.set(size, measured)
}

function nameOf(part: 'limit' | 'ours'): string {
  return variants.find((one) => one.part === part)?.name ?? ''
}
const limit = nameOf('limit')
function of(size: number, name: string, what: keyof Costs): readonly number[] {
  return column(bySize.get(size) ?? new Map(), name, (costs) => costs[what])
}
function ratio(size: number, name: string, what: keyof Costs): number {
  return medianRatio(of(size, name, what), of(size, limit, what))
}

const largest = Math.max(...sizes)
const strings = median(of(largest, 'the strings alone', 'bytes'))
const peers = variants
  .filter(({ part }) => part === undefined)
  .map(({ name }) => ({ name, ratio: ratio(largest, name, 'bytes') }))
  .filter((one) => Number.isFinite(one.ratio))
  .sort((one, other) => one.ratio - other.ratio)
const many = largest.toLocaleString('en-US')
function beside(name: string): number {
  return median(of(largest, name, 'bytes')) - strings
}

await publish({
  name: 'memory',
  title: 'From one token to a million',
  about: `Tokens of 1 KB, each unlike any other, under keys like \`tenant-123\`. Bytes are what stays after a collection, for each entry; times are of
the processor. Each way and size runs in processes of its own, in turns with the others. Ours is filled through the public interface, so
*filling* is the whole way of a first \`get\` (key, lease, fetch, publish), on a store that keeps nothing. A hit takes any of the tokens:
with a million of them it is mostly waiting for memory.`,
  goals: [
    {
      what: `bytes of an entry at ${many} keys, the token included`,
      limit,
      ours: ratio(largest, nameOf('ours'), 'bytes'),
      goal: 1.2,
      peer: peers[0],
    },
    {
      what: `the same without the strings`,
      limit: `${limit}: ${show(beside(limit))} bytes`,
      ours: beside(nameOf('ours')),
      unit: ' bytes',
      peer: peers[0] && { name: peers[0].name, ratio: beside(peers[0].name) },
    },
    {
      what: `a hit on any of ${many}, handles kept`,
      limit,
      ours: ratio(largest, 'warmtoken, handles kept', 'hit'),
    },
  ],
  details: [...sizes].reverse().map((size) => ({
    title: `${size.toLocaleString('en-US')} ${size === 1 ? 'key' : 'keys'}`,
    // The memory of one entry drowns in what else is collected or not.
    head:
      size < 1_000
        ? ['', 'ns a hit', '× limit']
        : ['', 'bytes an entry', '× limit', 'ns to fill', 'ns a hit', '× limit'],
    rows: variants.map(({ name }) => {
      const hit = [show(median(of(size, name, 'hit'))), show(ratio(size, name, 'hit'))]
      if (size < 1_000) return [name, ...hit]
      const bytes = [show(median(of(size, name, 'bytes'))), show(ratio(size, name, 'bytes'))]
      return [name, ...bytes, show(median(of(size, name, 'fill'))), ...hit]
    }),
  })),
  picture: {
    title: `Bytes of an entry at ${many} keys, the token of 1 KB included`,
    axis: 'bytes',
    bars: variants.map(({ name, part }) => ({
      name,
      value: median(of(largest, name, 'bytes')),
      ours: part === 'ours',
    })),
  },
  rounds,
})
