import { parseArgs } from 'node:util'

/** What each flag is; all but `quick` take whole numbers from 1 on, separated by commas. */
const FLAGS = {
  rounds: '--rounds N      how many rounds, more or fewer than the page was made with',
  fleets: '--fleets N,…    how many processes ask at once',
  sizes: '--sizes N,…     how many tokens are kept',
  share: '--share N,…     shares of a processor, in thousandths; 72 is a function of 128 MB',
  quick: '--quick         few rounds, to see that they work',
} as const

/** The name of a flag of the benchmarks. */
export type Flag = keyof typeof FLAGS

/** A command of the benchmarks. */
export interface Command {
  /** How it is typed, such as `pnpm bench warm`. */
  readonly name: string
  /** The flags that it knows. */
  readonly flags: readonly Flag[]
  /** What may be named behind it. Default nothing. */
  readonly names?: readonly string[]
}

/** What was typed behind a command. */
export interface Given {
  /** What was named. */
  readonly names: readonly string[]
  /** The numbers of each flag that was given; none of `quick`. */
  readonly flags: ReadonlyMap<Flag, readonly number[]>
}

function usageOf({ name, flags, names = [] }: Command): string {
  return [
    `${name}${names.length > 0 ? ` [${names.join('] [')}]` : ''}${flags.map((flag) => ` [--${flag}]`).join('')}`,
    ...flags.map((flag) => `  ${FLAGS[flag]}`),
  ].join('\n')
}

/** A wrong command line, or a request for help: what to print instead of running. */
export interface Refusal {
  readonly refusal: string
  readonly isMistake: boolean
}

function mistake(refusal: string): Refusal {
  return { refusal, isMistake: true }
}

/** Reads what was typed. A benchmark may run for an hour and then writes its page, so nothing unknown is passed over. */
export function parseCommand(typed: readonly string[], command: Command): Given | Refusal {
  const { name, flags: known, names: nameable = [] } = command
  const { tokens } = parseArgs({
    args: [...typed],
    options: Object.fromEntries(known.map((flag) => [flag, { type: flag === 'quick' ? 'boolean' : 'string' }])),
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const names: string[] = []
  const flags = new Map<Flag, readonly number[]>()
  for (const token of tokens) {
    if (token.kind === 'positional') names.push(token.value)
    if (token.kind !== 'option') continue
    if (token.name === 'help') return { refusal: usageOf(command), isMistake: false }
    const flag = known.find((one) => one === token.name)
    if (flag === undefined) {
      const all = [...known, 'help'].map((one) => `--${one}`).join(', ')
      return mistake(`${name} has no ${token.rawName}; it has ${all}`)
    }
    const numbers = flag === 'quick' ? [] : (token.value ?? '').split(',').map(Number)
    if (
      !numbers.every((number) => Number.isInteger(number) && number >= 1) ||
      (flag === 'rounds' && numbers.length > 1)
    )
      return mistake(`${name} wants behind ${token.rawName} ${flag === 'rounds' ? 'a number' : 'numbers'} from 1 on`)
    flags.set(flag, numbers)
  }
  const stray = names.find((one) => !nameable.includes(one))
  if (stray === undefined) return { names, flags }
  return mistake(`${name} has no "${stray}"${nameable.length > 0 ? `; it has ${nameable.join(', ')}` : ''}`)
}

/** What was typed behind this command. Ends the process when there is nothing to run: 0 with `--help`, 2 by a mistake. */
export function readCommand(command: Command): Given {
  const read = parseCommand(process.argv.slice(2), command)
  if (!('refusal' in read)) return read
  if (!read.isMistake) console.log(read.refusal)
  else console.error(read.refusal)
  process.exit(read.isMistake ? 2 : 0)
}
