import type { Terminal } from './terminal.ts'

/** What every command is given. */
export interface Context {
  readonly terminal: Terminal
  /** The environment variables. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** The folder in which the command was called. */
  readonly cwd: string
  /** Aborts when the command is to stop, such as on Ctrl-C. */
  readonly signal: AbortSignal
  /** Calls something when the command has ended, such as to end a connection that would keep the process alive. */
  atEnd(close: () => void): void
}
