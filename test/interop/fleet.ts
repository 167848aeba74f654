import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { SdkName } from './sdks/load.ts'
import type { Place } from './sdks/sdk.ts'

/** What a process is told. */
export interface Orders {
  readonly sdk: SdkName
  readonly place: Place
  /** How many calls at once. */
  readonly calls: number
  /** The address of the table that is shared, for our cache; the SDK's own without. */
  readonly table?: string
}

/** What became of its calls. */
export interface Report {
  /** The different tokens that they got. */
  readonly tokens: readonly string[]
  readonly failed: number
}

const SCRIPT = fileURLToPath(new URL('./environment.ts', import.meta.url))

async function start(orders: Orders): Promise<ChildProcess> {
  const child = fork(SCRIPT, { execArgv: ['--conditions=source'], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const ready = once(child, 'message')
  const gone = once(child, 'exit').then(([code]) => {
    throw new Error(`a process ended with ${code} before it was ready`)
  })
  gone.catch(() => undefined)
  child.send(orders)
  await Promise.race([ready, gone])
  return child
}

/** Starts so many processes, lets all go at once when the last is ready, and gives what became of them together. */
export async function runFleet(processes: number, orders: Orders): Promise<Report> {
  const members = await Promise.all(Array.from({ length: processes }, () => start(orders)))
  const reports = members.map(async (child): Promise<Report> => {
    const [message] = await Promise.race([once(child, 'message'), once(child, 'disconnect').then(() => [undefined])])
    return (message as Report | undefined) ?? { tokens: [], failed: orders.calls }
  })
  for (const child of members) child.send('go')
  const all = await Promise.all(reports)
  const failed = all.reduce((sum, one) => sum + one.failed, 0)
  return { tokens: [...new Set(all.flatMap(({ tokens }) => tokens))], failed }
}
