// `pnpm bench file`: a token in a file.
import { statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { ask, SOURCES } from '../run/child.ts'
import { readCommand } from '../run/command.ts'
import { median, medianRatio, show } from '../run/numbers.ts'
import { type Goal, publish } from '../run/page.ts'
import { interleave } from '../run/rounds.ts'
import { variants } from './variants.ts'

/** Names of file systems by their magic numbers (linux/magic.h). */
const SYSTEMS: { readonly [magic: number]: string } = { 61267: 'ext4', 16914836: 'tmpfs', 2035054128: 'overlayfs' }

const script = new URL('./run.ts', import.meta.url)
const { flags } = readCommand({ name: 'pnpm bench file', flags: ['rounds'] })
const [rounds = 15] = flags.get('rounds') ?? []
const measured = await interleave(
  variants.map(({ name }) => name),
  rounds,
  (name) => ask<number>(script, { args: [name], flags: SOURCES }),
)
const limit = variants.find(({ part }) => part === 'limit')?.name ?? ''
const found = variants.map((variant) => {
  const times = measured.get(variant.name) ?? []
  return { ...variant, ns: median(times), ratio: medianRatio(times, measured.get(limit) ?? []) }
})

function goalOf(what: string, kind: (typeof variants)[number]['kind'], goal: number): Goal {
  const [peer] = found
    .filter((one) => one.kind === kind && one.part === undefined && Number.isFinite(one.ratio))
    .sort((one, other) => one.ratio - other.ratio)
  const ours = found.find((one) => one.kind === kind && one.part === 'ours')?.ratio ?? Number.NaN
  return { what, limit, ours, goal, peer: peer && { name: peer.name, ratio: peer.ratio } }
}

await publish({
  name: 'file',
  title: 'A token in a file',
  about: `A record of 2 KB on ${SYSTEMS[statfsSync(tmpdir()).type] ?? 'this file system'}. Each way runs in processes of its own, in turns with the others; the median of 1,500
calls, then the median of ratios to the limit in the same round. Wall time, because the disk is the bottleneck. Ours checks what the others do
not: that folder and file belong to this user, that no other user can write to them, and that no reader sees half a record.`,
  goals: [
    goalOf('a hit', 'hit', 1.8),
    goalOf('a hit, sealed with AES-256-GCM', 'sealed hit', 5.3),
    goalOf('a miss', 'miss', 0.3),
    goalOf('a write that a caller waits for', 'write', 10),
  ],
  details: [
    {
      title: 'All',
      head: ['', '× limit', 'µs'],
      rows: [...found]
        .sort((one, other) => one.ns - other.ns)
        .map((one) => [one.name, show(one.ratio), show(one.ns / 1_000)]),
    },
  ],
  picture: {
    title: 'A token in a file, × open + read + close + parse',
    axis: 'times the limit',
    log: true,
    bars: found.map((one) => ({ name: one.name, value: one.ratio, ours: one.part === 'ours' })),
  },
  rounds,
})
