import { parseArgs } from 'node:util'
import { COMMANDS } from './commands.ts'
import { commandHelp, generalHelp } from './help.ts'
import type { Environment, StartedServer } from './server-command.ts'
import { UsageError } from './usage-error.ts'

/** What the command line asks for: a text to print, or a server to start. */
export type Invocation =
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'start'; readonly name: string; readonly start: () => Promise<StartedServer> }

/** Reads the command line without the program's name; throws UsageError naming the argument that is wrong. */
export function parseCommandLine(argv: readonly string[], environment: Environment): Invocation {
  const [name, ...rest] = argv
  if (name === undefined) throw new UsageError('Name a server to start, or --help')
  if (name === '--help' || name === '-h' || name === 'help') return { kind: 'help', text: generalHelp(COMMANDS) }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (!command)
    throw new UsageError(`Unknown server ${JSON.stringify(name)}; one of ${Object.keys(COMMANDS).join(', ')}`)
  const options = Object.fromEntries(
    Object.entries(command.flags).map(([flag, { type, multiple = false }]) => [flag, { type, multiple }]),
  )
  const { values } = parseStrictly(rest, { ...options, help: { type: 'boolean', multiple: false } })
  if (values['help'] === true) return { kind: 'help', text: commandHelp(name, command) }
  return { kind: 'start', name, start: command.prepare(values, environment) }
}

function parseStrictly(
  args: readonly string[],
  options: Readonly<Record<string, { readonly type: 'string' | 'boolean'; readonly multiple: boolean }>>,
): ReturnType<typeof parseArgs> {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false })
  } catch (error) {
    // Node's message names the argument: "Unknown option '--x'. …".
    throw new UsageError(error instanceof Error ? error.message : 'The arguments could not be read')
  }
}
