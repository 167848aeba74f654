import { type ChildProcess, fork } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { Orders, Report } from './message.ts'

const SCRIPT = fileURLToPath(new URL('./environment.ts', import.meta.url))
/** How many processes load at a time: all at once would only fight for the processor. */
const LOADING = 8

/** Processes that stand at the barrier. */
export interface Fleet {
  /** Lets them go; resolves to what became of each environment of the processes that lived to tell. */
  go(): Promise<readonly Report[]>
  /** Ends one process without warning. */
  kill(index: number): void
  /** Ends all that still run. */
  close(): void
}

/** The script of a process, in one file: two hundred that load the SDK file by file take minutes. */
export interface Program {
  readonly file: string
  /** Removes it. */
  close(): Promise<void>
}

/** Bundles the script into a folder of its own. */
export const makeProgram = async (): Promise<Program> => {
  const folder = await mkdtemp(join(tmpdir(), 'warmtoken-fleet-'))
  const file = join(folder, 'environment.cjs')
  const close = () => rm(folder, { recursive: true, force: true })
  const form = { bundle: true, platform: 'node', format: 'cjs', target: 'node22' } as const
  await build({ ...form, conditions: ['source'], entryPoints: [SCRIPT], outfile: file, logLevel: 'error' }).catch(
    async (error: unknown) => {
      await close()
      throw error
    },
  )
  return { file, close }
}

/** Starts processes and brings them to the barrier. */
export const startFleet = async (program: Program, processes: number, orders: Orders): Promise<Fleet> => {
  const members: Awaited<ReturnType<typeof startMember>>[] = []
  for (let begun = 0; begun < processes; begun += LOADING) {
    const batch = Array.from({ length: Math.min(LOADING, processes - begun) }, () => startMember(program, orders))
    members.push(...(await Promise.all(batch)))
  }
  return {
    async go() {
      for (const { child } of members) child.send('go')
      return (await Promise.all(members.map(({ reports }) => reports))).flat()
    },
    kill: (index) => void members[index]?.child.kill('SIGKILL'),
    close() {
      for (const { child } of members) child.kill('SIGKILL')
    },
  }
}

const startMember = async ({ file }: Program, orders: Orders) => {
  const credentials = { AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local-secret' }
  const env = { ...process.env, ...credentials, NODE_COMPILE_CACHE: dirname(file) }
  const child = fork(file, { execArgv: [], env, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const ready = new Promise<void>((resolve, reject) => {
    child.once('message', () => resolve())
    child.once('exit', (code) => reject(new Error(`an environment ended with ${code} before it was ready`)))
  })
  child.send(orders)
  await ready
  return { child, reports: reportsOf(child) }
}

/** Nothing when the process was killed. */
const reportsOf = (child: ChildProcess): Promise<readonly Report[]> =>
  new Promise((resolve) => {
    child.once('message', (message) => resolve(message as readonly Report[]))
    // The exit may be told before the last message is; the channel closes after it.
    child.once('disconnect', () => resolve([]))
  })
