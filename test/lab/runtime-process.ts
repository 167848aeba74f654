import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { RuntimeApi, RuntimeReports } from './runtime-api.ts'
import { startRuntimeApi } from './runtime-api.ts'

/** How much of what a process prints is kept, in characters. */
const MAX_OUTPUT = 1024 * 1024
/** How often the system is asked whether a process stands still, in ms. A signal takes effect within microseconds. */
const LOOK = 2

/** How a process ended. */
export interface Ending {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** One process of the runtime. */
export interface RuntimeProcess extends Pick<RuntimeApi, 'deliver'> {
  readonly pid: number
  /** Resolves when it has ended. */
  readonly ended: Promise<Ending>
  /** Resolves when each of its threads waits for work, or when it has ended. */
  idle(): Promise<void>
  /** Stops all its threads, as the freezer does, and resolves when they stand. */
  freeze(): Promise<void>
  /** Lets them go on. */
  thaw(): void
  /** Ends it, and resolves when it has ended. */
  kill(signal: NodeJS.Signals): Promise<Ending>
}

/** What a process is started with. */
export interface ProcessOptions {
  /** The preloaded module, compiled. */
  readonly preload: string
  /** Its whole environment except for the address of the Runtime API. */
  readonly environment: Readonly<Record<string, string>>
  /** Folder in which it runs. */
  readonly folder: string
  /** How many threads take invocations. */
  readonly workers: number
  readonly reports: Omit<RuntimeReports, 'onNext'>
  /** Receives what it prints. */
  onOutput(text: string): void
}

const RUNTIME = fileURLToPath(import.meta.resolve('aws-lambda-ric'))

/** Starts the real runtime with a Runtime API of its own. */
export async function startRuntimeProcess(options: ProcessOptions): Promise<RuntimeProcess> {
  const listeners = new Set<() => void>()
  const changed = (): void => {
    for (const listener of listeners) listener()
  }
  const api = await startRuntimeApi({ ...options.reports, onNext: changed })
  const child = spawn(process.execPath, ['--import', pathToFileURL(options.preload).href, RUNTIME], {
    cwd: options.folder,
    env: { ...options.environment, AWS_LAMBDA_RUNTIME_API: api.address },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const state = { ended: false }
  const ended = endingOf(child).then(async (ending) => {
    state.ended = true
    await api.close()
    changed()
    return ending
  })
  relayOutput(child, options.onOutput)
  const { pid = 0 } = child
  return {
    pid,
    ended,
    deliver: api.deliver,
    idle: () =>
      new Promise((resolve) => {
        const look = (): void => {
          // The report comes just before the answer is parked, so look when this turn is over.
          setImmediate(() => {
            if (!state.ended && api.waiting() < options.workers) return
            listeners.delete(look)
            resolve()
          })
        }
        listeners.add(look)
        look()
      }),
    async freeze() {
      child.kill('SIGSTOP')
      while (!state.ended && !isStopped(pid)) await sleep(LOOK)
    },
    thaw: () => void child.kill('SIGCONT'),
    kill(signal) {
      child.kill(signal)
      return ended
    },
  }
}

function endingOf(child: ChildProcess): Promise<Ending> {
  return new Promise((resolve) => {
    child.once('error', () => resolve({ code: null, signal: null }))
    child.once('close', (code, signal) => resolve({ code, signal }))
  })
}

function relayOutput(child: ChildProcess, onOutput: (text: string) => void): void {
  let left = MAX_OUTPUT
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      if (left > 0) onOutput(text.slice(0, left))
      left -= text.length
    })
  }
}

/** Whether a process stands still: state T. Where there is no `/proc`, the signal is taken at its word. */
export function isStopped(pid: number): boolean {
  try {
    return /\) T /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return true
  }
}
