import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { text } from 'node:stream/consumers'
import { DEPLOYER, REGION } from './cloud/account.ts'
import type { ServiceFolder } from './service-folder.ts'

/** How a command ended. */
export interface Ended {
  readonly code: number | null
  /** What it printed, without colors. */
  readonly output: string
  /** In ms. */
  readonly took: number
}

/** Where a command runs and what it talks to. */
export interface CommandOptions {
  readonly folder: ServiceFolder
  readonly endpoint: string
  /** What the functions' settings are taken from. */
  readonly settings: Readonly<Record<string, string>>
}

const MAX_MS = 120_000
const COLORS = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g')

/** Runs the real `serverless` command as a user would, without this machine's settings. */
export async function serverless(args: readonly string[], options: CommandOptions): Promise<Ended> {
  const { folder, endpoint, settings } = options
  const startedAt = performance.now()
  const program = createRequire(`${folder.path}/package.json`).resolve('serverless/bin/serverless.js')
  const child = spawn(process.execPath, [program, ...args], {
    cwd: folder.path,
    env: {
      PATH: process.env['PATH'],
      HOME: folder.home,
      TMPDIR: folder.home,
      AWS_ENDPOINT_URL: endpoint,
      AWS_REGION: REGION,
      AWS_ACCESS_KEY_ID: DEPLOYER.accessKeyId,
      AWS_SECRET_ACCESS_KEY: DEPLOYER.secretAccessKey,
      AWS_EC2_METADATA_DISABLED: 'true',
      SLS_TELEMETRY_DISABLED: '1',
      SLS_NOTIFICATIONS_MODE: 'off',
      // The command looks every 5 s whether a stack has got further; this one gets further when it is looked at.
      SLS_AWS_MONITORING_FREQUENCY: '20',
      ...settings,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: MAX_MS,
    killSignal: 'SIGKILL',
  })
  const [out, errors] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { code: child.exitCode, output: `${errors}${out}`.replace(COLORS, ''), took: performance.now() - startedAt }
}
