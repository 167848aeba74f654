// `pnpm bench`: the benchmarks that are named, or all, one after the other. `--quick`: few rounds, to see that they work.
// Each is handed those of the other flags that it knows.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { type Flag, readCommand } from './command.ts'

/** The flags that each knows, and what they are for a quick look. */
const COMMANDS: { readonly [name: string]: { readonly [flag in Flag]?: string } } = {
  warm: { rounds: '2' },
  middleware: { rounds: '2' },
  file: { rounds: '2' },
  cold: { rounds: '3' },
  stampede: { rounds: '2', fleets: '20' },
  observe: { rounds: '2' },
  memory: { rounds: '1', sizes: '1,1000,50000' },
  sessions: { rounds: '2' },
  data: { rounds: '2' },
}
const FLAGS: readonly Flag[] = ['rounds', 'fleets', 'sizes']
const ALL = Object.keys(COMMANDS)

function isKnown(name: string, flag: Flag): boolean {
  return COMMANDS[name]?.[flag] !== undefined
}

const command = { name: 'pnpm bench', names: ['all', ...ALL] }
const named = readCommand({ ...command, flags: [...FLAGS, 'quick'] }).names
const names = named.length === 0 || named.includes('all') ? ALL : named
// Read again, for a flag that none of the named ones knows would do nothing.
const { flags } = readCommand({
  ...command,
  flags: [...FLAGS.filter((flag) => names.some((name) => isKnown(name, flag))), 'quick'],
})

function argumentsOf(name: string): readonly string[] {
  return FLAGS.filter((flag) => isKnown(name, flag)).flatMap((flag) => {
    const value = flags.get(flag)?.join(',') ?? (flags.has('quick') ? COMMANDS[name]?.[flag] : undefined)
    return value === undefined ? [] : [`--${flag}`, value]
  })
}

const failed: string[] = []
for (const name of names) {
  const script = fileURLToPath(new URL(`../${name}/cli.ts`, import.meta.url))
  const run = spawn(process.execPath, ['--conditions=source', script, ...argumentsOf(name)], { stdio: 'inherit' })
  const [code] = await once(run, 'exit')
  if (code !== 0) failed.push(name)
}
if (failed.length > 0) console.error(`failed: ${failed.join(', ')}`)
process.exit(failed.length > 0 ? 1 : 0)
