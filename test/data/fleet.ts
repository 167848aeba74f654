import { type ChildProcess, fork } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Program } from '../stores/fleet/program.ts'

/** What a process of the fleet runs. */
export const FLEET_PROCESS: string = fileURLToPath(new URL('./fleet-process.ts', import.meta.url))
/** How many processes load at a time: all at once would only compete for the processor. */
export const LOADING = 8

/** What a process is told. */
export interface FleetOrders {
  readonly store: 'dynamodb' | 'upstash' | 'redis'
  readonly url: string
  /** Where the loader asks for the value. */
  readonly truth: string
  readonly name: string
  readonly recheck: number
}

/** What a process is sent. */
export type FleetMessage = FleetOrders | 'get' | 'are you there'

/** One process with a cache. */
export interface Member {
  /** Gives it a new cache, as an environment that knows nothing of what was before. */
  prepare(orders: FleetOrders): Promise<void>
  /** What it is served. */
  get(): Promise<unknown>
  freeze(): void
  thaw(): void
  end(): void
}

/** Starts processes. */
export async function startMembers({ file }: Program, count: number): Promise<readonly Member[]> {
  const env = {
    ...process.env,
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local-secret',
    NODE_COMPILE_CACHE: dirname(file),
  }
  const members: Member[] = []
  const start = async (): Promise<void> => {
    const child = fork(file, { execArgv: [], env, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    if ((await ask(child, 'are you there')) !== 'ready') throw new Error('a process ended before it was ready')
    members.push({
      async prepare(orders) {
        if ((await ask(child, orders)) !== 'ready') throw new Error('a process ended before it was ready')
      },
      get: async () => ((await ask(child, 'get')) as { readonly value: unknown }).value,
      freeze: () => void child.kill('SIGSTOP'),
      thaw: () => void child.kill('SIGCONT'),
      end: () => void child.kill('SIGKILL'),
    })
  }
  for (let started = 0; started < count; started += LOADING)
    await Promise.all(Array.from({ length: Math.min(LOADING, count - started) }, start))
  return members
}

function ask(child: ChildProcess, what: FleetMessage): Promise<unknown> {
  return new Promise((resolve) => {
    const finish = (message?: unknown): void => {
      child.off('message', finish)
      child.off('disconnect', end)
      resolve(message)
    }
    const end = (): void => finish()
    child.once('message', finish)
    child.once('disconnect', end)
    child.send(what)
  })
}

/** A slow API: answers with a number, and counts how often it is asked. */
export interface Truth {
  readonly url: string
  value: number
  loads(): number
  close(): Promise<void>
}

/** Starts it. */
export async function startTruth(): Promise<Truth> {
  let loads = 0
  const truth = { value: 1 }
  const server = createServer((_request, response) => {
    loads += 1
    const answer = JSON.stringify(truth.value)
    setTimeout(() => response.end(answer), 50)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return Object.assign(truth, {
    url: `http://127.0.0.1:${port}`,
    loads: () => loads,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  })
}
