// `pnpm bench stampede`: many ask for the same token at once.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bundle } from '../run/bundle.ts'
import { ask, SOURCES } from '../run/child.ts'
import { readCommand } from '../run/command.ts'
import { interleave, type Measured } from '../run/rounds.ts'
import { type FleetCosts, startFleet } from './fleet.ts'
import { oneVariants } from './one.ts'
import { tell } from './results.ts'
import type { OneCosts } from './run-one.ts'
import { startServers } from './servers.ts'
import { fleetVariants } from './variants.ts'

/** From then on a fleet is large. */
const LARGE = 50
const { flags } = readCommand({ name: 'pnpm bench stampede', flags: ['rounds', 'fleets'] })
const [rounds = 9] = flags.get('rounds') ?? []
const sizes = flags.get('fleets') ?? [20, 200]

const one = await interleave(
  oneVariants.map(({ name }) => name),
  rounds,
  (name) => ask<OneCosts>(new URL('./run-one.ts', import.meta.url), { args: [name], flags: SOURCES }),
)

const folder = await mkdtemp(join(tmpdir(), 'warmtoken-stampede-'))
const { path: script } = await bundle('stampede/process.ts', folder, true)
const servers = await startServers()
const fleets = new Map<number, Measured<FleetCosts>>()
const names = fleetVariants.map(({ name }) => name)
try {
  for (const size of sizes) {
    const fleet = await startFleet(script, size, servers)
    try {
      const stampede = (name: string, round: number | string) => fleet.stampede(name, `${name} ${size} ${round}`)
      // What is loaded and connected lazily is loaded and connected by a rehearsal.
      await interleave(names, 1, (name) => stampede(name, 'rehearsal'))
      // A large fleet has its say with fewer: what counts there does not scatter.
      fleets.set(size, await interleave(names, size > LARGE ? Math.ceil(rounds / 3) : rounds, stampede))
    } finally {
      await fleet.close()
    }
  }
  await tell({ one, fleets, rounds })
} finally {
  await servers.close()
  await rm(folder, { recursive: true, force: true })
}
process.exit(0)
