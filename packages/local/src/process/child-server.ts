import { spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { otherUser } from './other-user.ts'

/** A server that runs as a child process. */
export interface ChildServer {
  /** Ends the process and resolves when it is gone. Safe to call twice. */
  stop(): Promise<void>
}

/** How to start a child server and how to tell that it answers. */
export interface ChildServerOptions {
  readonly binary: string
  readonly args: readonly string[]
  /** The folder it runs in. Default: this process's. */
  readonly cwd?: string
  /**
   * For a server that refuses to run as root, such as PostgreSQL: when this process is root, it runs as `nobody`. Its folder
   * must belong to that user: see {@link makeServerFolder}. Default false.
   */
  readonly neverAsRoot?: boolean
  /** What asks it to end. Default `SIGTERM`; after 2 s it is killed. */
  readonly stopSignal?: 'SIGTERM' | 'SIGINT'
  /** What to tell a person when the binary is not there. */
  readonly whenMissing: string
  /** Resolves to true once the server answers; false or a rejection means not yet. */
  readonly answers: () => Promise<boolean>
}

const ATTEMPTS = 500
const PAUSE_MS = 20
const GRACE_MS = 2000

/** Starts a child server and waits until it answers; throws when it is missing, exits or stays silent for 10 s. */
export async function startChildServer(options: ChildServerOptions): Promise<ChildServer> {
  const child = spawn(options.binary, [...options.args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.cwd !== undefined && { cwd: options.cwd }),
    ...(options.neverAsRoot === true && otherUser()),
  })
  const gone = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
  let failure: Error | undefined
  let output = ''
  const keep = (piece: Buffer): void => {
    output = `${output}${piece.toString()}`.slice(-2000)
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  child.once('error', (error) => {
    failure = new Error(options.whenMissing, { cause: error })
  })
  child.once('exit', (code, signal) => {
    failure ??= new Error(`${options.binary} ended with ${signal ?? `code ${code}`}: ${output.trim()}`)
  })
  // A process that crashes must not leave its servers behind.
  const kill = (): void => void child.kill('SIGKILL')
  process.once('exit', kill)

  const stop = async (): Promise<void> => {
    process.off('exit', kill)
    if (failure) return
    child.kill(options.stopSignal ?? 'SIGTERM')
    const timer = setTimeout(kill, GRACE_MS)
    await gone
    clearTimeout(timer)
  }

  for (let attempt = 0; attempt < ATTEMPTS && !failure; attempt++) {
    if (await options.answers().catch(() => false)) return { stop }
    await sleep(PAUSE_MS)
  }
  await stop()
  throw (
    failure ?? new Error(`${options.binary} did not answer within ${(ATTEMPTS * PAUSE_MS) / 1000} s: ${output.trim()}`)
  )
}

/** Resolves to `port`, or to a free one for 0; rejects with `EADDRINUSE` when another process listens on it. */
export async function claimPort(port = 0): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('No free TCP port was found')
  return address.port
}
