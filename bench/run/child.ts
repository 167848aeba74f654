import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** How a process is started. */
export interface ChildOptions {
  readonly args?: readonly string[]
  /** Options of Node's own, before the script. */
  readonly flags?: readonly string[]
  readonly env?: { readonly [name: string]: string }
  /** The folder of a control group of Linux that the process joins before it begins. */
  readonly group?: string
}

const MAX_OUTPUT = 8 * 1024 * 1024
/** After this a process is taken to hang, in ms. */
const PATIENCE = 600_000

/** Runs a script in a Node of its own and resolves to the JSON in the last line that it prints. */
export async function ask<T>(script: URL, { args = [], flags = [], env = {}, group }: ChildOptions = {}): Promise<T> {
  const node = [process.execPath, ...flags, fileURLToPath(script), ...args]
  const joining = ['/bin/sh', '-c', 'echo $$ > "$0/cgroup.procs" && exec "$@"', group ?? '', ...node]
  const [command = '', ...rest] = group === undefined ? node : joining
  const { stdout } = await promisify(execFile)(command, rest, {
    env: { ...process.env, NODE_NO_WARNINGS: '1', ...env },
    maxBuffer: MAX_OUTPUT,
    timeout: PATIENCE,
  })
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as T
}

/** Lets a script resolve the packages of this workspace to their sources. */
export const SOURCES: readonly string[] = ['--conditions=source']

/** Has a script's garbage collected when it asks, and not before: what is made and dropped can be counted. */
export const COUNTING: readonly string[] = [
  ...SOURCES,
  '--expose-gc',
  '--max-semi-space-size=256',
  '--min-semi-space-size=256',
]
