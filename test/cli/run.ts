/** Runs the command line: as a process of its own, as users do. @module */

import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'

const PROGRAM = fileURLToPath(new URL('../../packages/cli/src/cli.ts', import.meta.url))
/** Variables of this process that a command must not see. NODE_PATH leads to packages that a project has not installed. */
const COVERED = ['AWS_PROFILE', 'AWS_REGION', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'FORCE_COLOR', 'NODE_PATH']

/** What a command printed, and how it ended. */
export interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** How a command is run. */
export interface RunOptions {
  /** Environment variables beside those of this process. */
  readonly env?: Readonly<Record<string, string>>
  /** The folder in which it runs. */
  readonly cwd?: string
  /** Arguments of node, before the program. */
  readonly node?: readonly string[]
}

/** Credentials and a region for servers that verify neither. */
export const LOCAL_AWS: Readonly<Record<string, string>> = {
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'local',
  AWS_SECRET_ACCESS_KEY: 'local-secret',
}

/** Starts a command. */
export function start(
  args: readonly string[],
  { env = LOCAL_AWS, cwd, node = [] }: RunOptions = {},
): ChildProcessByStdio<null, Readable, Readable> {
  const inherited = Object.entries(process.env).filter(([name]) => !COVERED.includes(name))
  return spawn(process.execPath, ['--conditions=source', ...node, PROGRAM, ...args], {
    // No credentials of the machine, and no question to its metadata service.
    env: { ...Object.fromEntries(inherited), AWS_EC2_METADATA_DISABLED: 'true', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(cwd !== undefined && { cwd }),
  })
}

/** Runs a command to its end. */
export async function run(args: readonly string[], options?: RunOptions): Promise<Ended> {
  const child = start(args, options)
  const ended = { out: '', err: '' }
  child.stdout.on('data', (piece: Buffer) => {
    ended.out += piece.toString()
  })
  child.stderr.on('data', (piece: Buffer) => {
    ended.err += piece.toString()
  })
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, ...ended }
}
