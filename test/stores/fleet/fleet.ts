import { type ChildProcess, fork } from 'node:child_process'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Orders, Report } from './message.ts'
import type { Program } from './program.ts'

/** What a process of a fleet runs. */
export const ENVIRONMENT: string = fileURLToPath(new URL('./environment.ts', import.meta.url))
/** How many processes load at a time: all at once would only fight for the processor. */
const LOADING = 8

/** Processes that stand at the barrier. */
export interface Fleet {
  /** Lets them go; resolves to what became of each environment of the processes that lived to tell. */
  go(): Promise<readonly Report[]>
  /** Brings them back to the barrier, as environments that know nothing of what was before. */
  prepare(orders: Orders): Promise<void>
  /** Ends one process without warning. */
  kill(index: number): void
  /** Ends all that still run. */
  close(): void
}

/** Starts processes and brings them to the barrier. */
export async function startFleet(program: Program, processes: number, orders: Orders): Promise<Fleet> {
  const members = Array.from({ length: processes }, (): Member => ({ child: undefined }))
  const prepare = async (next: Orders): Promise<void> => {
    for (let started = 0; started < processes; started += LOADING) {
      await Promise.all(members.slice(started, started + LOADING).map((member) => bringUp(program, member, next)))
    }
  }
  await prepare(orders)
  return {
    prepare,
    async go() {
      const reports = await Promise.all(members.map(({ child }) => child && ask(child, 'go')))
      return reports.flatMap((each) => (each as readonly Report[] | undefined) ?? [])
    },
    kill: (index) => void members[index]?.child?.kill('SIGKILL'),
    close() {
      for (const { child } of members) child?.kill('SIGKILL')
    },
  }
}

interface Member {
  child: ChildProcess | undefined
}

async function bringUp({ file }: Program, member: Member, orders: Orders): Promise<void> {
  const credentials = { AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local-secret' }
  const env = { ...process.env, ...credentials, NODE_COMPILE_CACHE: dirname(file) }
  member.child ??= fork(file, { execArgv: [], env, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  if ((await ask(member.child, orders)) !== 'ready') throw new Error('an environment ended before it was ready')
}

/** What a process answers; nothing when it was killed. */
function ask(child: ChildProcess, what: Orders | 'go'): Promise<unknown> {
  return new Promise((resolve) => {
    const finish = (message?: unknown): void => {
      child.off('message', finish)
      child.off('disconnect', finish)
      resolve(message)
    }
    child.once('message', finish)
    // The exit may be told before the last message is; the channel closes after it.
    child.once('disconnect', () => finish())
    child.send(what)
  })
}
