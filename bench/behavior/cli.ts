// How warmtoken and its peers behave when things go wrong, counted at imitations of their issuers. Writes docs/peers.md.
import { readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { table } from '../demo/table.ts'
import { readCommand } from '../run/command.ts'
import { installClock } from './clock.ts'
import { pageOf } from './page.ts'
import { PEERS } from './peers.ts'
import { rotations } from './rotation.ts'
import { ROWS } from './rows.ts'

const PAGE = fileURLToPath(new URL('../../docs/peers.md', import.meta.url))
const ROTATION = {
  name: 'ten rotations at once in each of four processes: exchanges, reuses',
  goal: '1, 0',
  measure: async ({ name }: { readonly name: string }) => rotations(name),
}

/** The version that is installed here; the package need not export its package.json. */
async function versionOf(name: string): Promise<string> {
  for (const folder of createRequire(import.meta.url).resolve.paths(name) ?? []) {
    const text = await readFile(`${folder}/${name}/package.json`, 'utf8').catch(() => undefined)
    if (text !== undefined) return String((JSON.parse(text) as { readonly version?: unknown }).version)
  }
  return 'unknown'
}

readCommand({ name: 'pnpm behavior', flags: [] })
installClock()
const rows: (readonly string[])[] = []
for (const { name, goal, measure } of [...ROWS, ROTATION]) {
  const cells: string[] = []
  for (const peer of PEERS) {
    console.error(`${name}: ${peer.name}`)
    cells.push(await measure(peer))
  }
  rows.push([name, goal, ...cells])
}
const head = ['', 'goal', ...PEERS.map(({ name }) => name)]
console.log(table(head, rows))
const versions = await Promise.all(
  PEERS.slice(1).map(async ({ name, package: one }) => [name, one, await versionOf(one)] as const),
)
const machine = `${cpus().length} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), Node ${process.versions.node}`
await writeFile(PAGE, pageOf({ head, rows, versions, machine }))
console.log(`\nwritten: ${PAGE}`)
// Timers and sockets of the peers would keep the process for a while.
process.exit()
