import type { ServerCommand } from './server-command.ts'

/** Help about all subcommands. */
export function generalHelp(commands: Readonly<Record<string, ServerCommand>>): string {
  return [
    'Usage: warmtoken-local SERVER [--flags]',
    '',
    'Starts one server on this machine and prints its address. Ctrl-C ends it.',
    '',
    ...table(Object.entries(commands).map(([name, { summary }]) => [name, summary])),
    '',
    'warmtoken-local SERVER --help tells the flags of a server.',
  ].join('\n')
}

/** Help about one subcommand. */
export function commandHelp(name: string, { summary, flags }: ServerCommand): string {
  const rows = Object.entries(flags).map(([flag, { value, help }]): [string, string] => {
    return [value === undefined ? `--${flag}` : `--${flag} ${value}`, help]
  })
  return [`Usage: warmtoken-local ${name} [--flags]`, '', `Starts ${summary}.`, '', ...table(rows)].join('\n')
}

function table(rows: readonly (readonly [string, string])[]): readonly string[] {
  const width = Math.max(...rows.map(([term]) => term.length))
  return rows.map(([term, text]) => `  ${term.padEnd(width)}  ${text}`)
}
