// `pnpm bench`: the benchmarks that are named, or all, one after the other. `--quick`: few rounds, to see that they work.
// Other options are handed on.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** The commands, and what they are given for a quick look. */
const COMMANDS: { readonly [name: string]: readonly string[] } = {
  warm: ['--rounds', '2'],
  middleware: ['--rounds', '2'],
  file: ['--rounds', '2'],
  cold: ['--rounds', '3'],
  stampede: ['--rounds', '2', '--fleets', '20'],
  memory: ['--rounds', '1', '--sizes', '1,1000,50000'],
}

const given = process.argv.slice(2)
const firstOption = given.findIndex((one) => one.startsWith('--'))
const named = firstOption < 0 ? given : given.slice(0, firstOption)
const options = given.slice(named.length)
const names = named.length === 0 || named.includes('all') ? Object.keys(COMMANDS) : named
for (const name of names) {
  if (!Object.hasOwn(COMMANDS, name))
    throw new TypeError(`no benchmark "${name}"; there are ${Object.keys(COMMANDS).join(', ')}`)
}

const failed: string[] = []
for (const name of names) {
  const script = fileURLToPath(new URL(`../${name}/cli.ts`, import.meta.url))
  const args = options.includes('--quick') ? COMMANDS[name] : options
  const run = spawn(process.execPath, ['--conditions=source', script, ...(args ?? [])], { stdio: 'inherit' })
  const [code] = await once(run, 'exit')
  if (code !== 0) failed.push(name)
}
if (failed.length > 0) console.error(`failed: ${failed.join(', ')}`)
process.exit(failed.length > 0 ? 1 : 0)
