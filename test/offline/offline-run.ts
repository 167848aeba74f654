import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { until } from './until.ts'

export const ROOT: string = fileURLToPath(new URL('../..', import.meta.url))

/** `serverless offline start`, running. */
export interface OfflineRun {
  readonly functions: string
  readonly issuer: string
  readonly api: string
  /** Every address it printed. */
  readonly addresses: readonly string[]
  /** All that it has printed so far. */
  output(): string
  /** Names in the temporary folder of this run. */
  files(): readonly string[]
  /** Names in its home folder, which was empty. */
  homeFiles(): readonly string[]
  /** Processes of this run that are alive, itself included; nothing where there is no `/proc`. */
  processes(): readonly number[]
  /** Sends a signal and resolves to the exit code, `null` when the signal itself ended it. */
  end(signal: NodeJS.Signals): Promise<number | null>
  /** Removes what the test itself made. */
  cleanUp(): void
}

/** What is started, and how it is known to be ready. */
interface OfflineOptions {
  /** The file of the service. Default `serverless.yml`. */
  readonly config?: string
  /** What its lines say last. */
  readonly ready?: string
  readonly env?: Readonly<Record<string, string>>
}

/** Starts the real command as a child and waits for the lines that say where everything runs. */
export async function startOffline({ config, ready = '/_refuse', env = {} }: OfflineOptions = {}): Promise<OfflineRun> {
  const mark = `WARMTOKEN_RUN=${randomUUID()}`
  const home = mkdtempSync(join(tmpdir(), 'warmtoken-test-'))
  const temporary = mkdtempSync(join(tmpdir(), 'warmtoken-test-'))
  const child = spawn(process.execPath, [serverless(), 'offline', 'start', ...(config ? ['--config', config] : [])], {
    cwd: ROOT,
    env: { ...environment({ home, temporary, mark }), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = once(child, 'exit')
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk))

  const cleanUp = (): void => {
    child.kill('SIGKILL')
    for (const folder of [home, temporary]) rmSync(folder, { recursive: true, force: true })
  }
  const addressOf = (name: string): string => new RegExp(`${name} +(http://\\S+)`).exec(output)?.[1] ?? ''
  try {
    await until('the lines that say what runs where', () => {
      if (child.exitCode !== null) throw new Error(`serverless offline ended: ${output}`)
      return output.includes(ready)
    })
  } catch (error) {
    cleanUp()
    throw new Error(output, { cause: error })
  }
  return {
    functions: addressOf('functions'),
    issuer: addressOf('issuer'),
    api: addressOf('protected API'),
    addresses: [...new Set(output.match(/http:\/\/127\.0\.0\.1:\d+/g))],
    output: () => output,
    files: () => readdirSync(temporary),
    homeFiles: () => readdirSync(home),
    processes: () => marked(mark),
    end: async (signal) => {
      child.kill(signal)
      const [code] = await ended
      return code
    },
    cleanUp,
  }
}

/** Whether someone listens there. */
export function listens(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(address).port), '127.0.0.1')
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false))
    socket.on('connect', () => socket.destroy())
  })
}

/** The path of the framework's command. */
export function serverless(): string {
  return createRequire(join(ROOT, 'package.json')).resolve('serverless/bin/serverless.js')
}

/** Without the machine's own settings. A call to AWS itself is refused at once. */
export function environment(of: { home: string; temporary: string; mark: string }): NodeJS.ProcessEnv {
  const { home, temporary, mark } = of
  return {
    PATH: process.env['PATH'],
    HOME: home,
    TMPDIR: temporary,
    AWS_ENDPOINT_URL: 'http://127.0.0.1:9',
    AWS_EC2_METADATA_DISABLED: 'true',
    SLS_TELEMETRY_DISABLED: '1',
    SLS_NOTIFICATIONS_MODE: 'off',
    [mark.slice(0, mark.indexOf('='))]: mark.slice(mark.indexOf('=') + 1),
  }
}

/** Found by their environment, which even a child that has left its parent keeps. */
function marked(mark: string): readonly number[] {
  return list('/proc')
    .filter((name) => /^\d+$/.test(name) && read(`/proc/${name}/environ`).includes(mark))
    .map(Number)
}

function list(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}
