import { constants } from 'node:os'
import { isAlive, launchers } from './launchers.ts'

const CHECK_PERIOD = 500
/** Signals of less than this after the first are the same one: a terminal sends it to all, and pnpm passes it on. */
const SAME_SIGNAL = 1_000

/** Watches for what must end this process although nobody asked the framework: see {@link watchEndings}. */
export interface Endings {
  /** From now on the first SIGINT or SIGTERM is left to serverless-offline, which ends in good order. */
  handOver(): void
}

/**
 * Ends the process, running its exit handlers, at a signal that comes before serverless-offline listens for one, at the
 * second signal when the good order takes too long, at a hang-up, and when what started it is gone.
 */
export function watchEndings(): Endings {
  let handedOver = false
  let asked = false
  const end = (signal: NodeJS.Signals): void => process.exit(128 + constants.signals[signal])
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (!handedOver || asked) end(signal)
      setTimeout(() => {
        asked = true
      }, SAME_SIGNAL).unref()
    })
  }
  process.on('SIGHUP', end)
  // `npx` does not pass a signal on to the end of the chain, and a process killed by SIGKILL cannot. That they are gone
  // shows only in the list of processes.
  const started = { parent: process.ppid, by: launchers() }
  setInterval(() => {
    if (process.ppid !== started.parent || !started.by.every(isAlive)) end('SIGHUP')
  }, CHECK_PERIOD).unref()
  return {
    handOver: () => {
      handedOver = true
    },
  }
}
