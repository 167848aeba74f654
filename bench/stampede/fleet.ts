import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { Servers } from './servers.ts'
import type { Answer, Order } from './wiring.ts'

/** What one stampede of the whole fleet cost. */
export interface FleetCosts {
  /** Until the last process had its token, in ms. */
  readonly ms: number
  readonly fetches: number
  readonly errors: number
}

/** Processes that ask all at once. */
export interface Fleet {
  stampede(variant: string, key: string): Promise<FleetCosts>
  close(): Promise<void>
}

/** How many processes start side by side. */
const STARTING = 4
/** A process that has not answered by then is taken to hang, in ms. */
const PATIENCE = 120_000

async function ask(child: ChildProcess, order: Order): Promise<Answer> {
  const answered = once(child, 'message', { signal: AbortSignal.timeout(PATIENCE) })
  child.send(order)
  const [answer] = await answered
  return answer as Answer
}

/** Starts a fleet of processes that run a bundled script. */
export async function startFleet(script: string, size: number, { wiring, fetches }: Servers): Promise<Fleet> {
  const children: ChildProcess[] = []
  const start = async (): Promise<void> => {
    while (children.length < size) {
      const child = fork(script, [JSON.stringify(wiring)], {
        execArgv: [],
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      })
      children.push(child)
      await once(child, 'spawn')
      // An unknown way is refused at once: so it is known that the process listens.
      await ask(child, { type: 'prepare', variant: '', key: '' })
    }
  }
  await Promise.all(Array.from({ length: STARTING }, start))

  return {
    async stampede(variant, key) {
      const ready = await Promise.all(children.map((child) => ask(child, { type: 'prepare', variant, key })))
      for (const one of ready) if (one.error !== undefined) throw new Error(one.error)
      // Time enough for the order to reach all.
      const at = Date.now() + 100 + 2 * size
      const done = await Promise.all(children.map((child) => ask(child, { type: 'go', at })))
      const ended = done.map((one) => (one.type === 'done' ? one.ended : Number.NaN))
      const failed = done.filter((one) => one.error !== undefined)
      if (failed.length === size) throw new Error(failed[0]?.error)
      return { ms: Math.max(...ended) - at, fetches: fetches(key), errors: failed.length }
    },
    async close() {
      await Promise.all(
        children.map(async (child) => {
          const exited = once(child, 'exit')
          child.disconnect()
          await exited
        }),
      )
    },
  }
}
