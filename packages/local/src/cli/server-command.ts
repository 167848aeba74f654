import type { LocalServer } from '../http/listen.ts'
import type { FlagValues } from './flags.ts'

/** Declaration of one flag, as node:util's parseArgs wants it, and its line of help. */
export interface FlagSpec {
  readonly type: 'string' | 'boolean'
  readonly multiple?: boolean
  /** Placeholder of the value in the help, e.g. `N`. */
  readonly value?: string
  readonly help: string
}

/** A server that was started from the command line, and what to tell about it. */
export interface StartedServer {
  readonly server: LocalServer
  /** How to use it: settings or code to copy. */
  readonly usage: readonly string[]
}

/** One subcommand. */
export interface ServerCommand {
  readonly summary: string
  readonly flags: Readonly<Record<string, FlagSpec>>
  /** Reads its flags, throwing UsageError, and returns what starts the server. */
  readonly prepare: (values: FlagValues, environment: Environment) => () => Promise<StartedServer>
}

/** Environment variables the commands heed. */
export interface Environment {
  readonly DYNOXIDE_BIN: string | undefined
}

/** The flag every subcommand has. */
export const PORT: FlagSpec = { type: 'string', value: 'N', help: 'port to listen on; default a free one' }
