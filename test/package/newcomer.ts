import { execFile } from 'node:child_process'
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
/** The most that a command may print, in bytes, and how long it may take, in ms. */
const MAX_OUTPUT = 16 * 1024 * 1024
const TIMEOUT = 290_000
/** How this machine reaches the network, which a newcomer's machine may need as well. */
const NETWORK = /^(https?_proxy|no_proxy|node_extra_ca_certs|ssl_cert_file)$/i

/** A machine on which nothing is installed but Node and npm: an empty home, and nothing of this one's variables. */
export interface Newcomer {
  readonly home: string
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Runs a command, and gives what it printed. Rejects with all of that when it ends with another code than 0. */
  run(folder: string, command: string, ...args: readonly string[]): Promise<string>
  remove(): void
}

export function makeNewcomer(): Newcomer {
  const root = mkdtempSync(join(tmpdir(), 'warmtoken-newcomer-'))
  const [home, temporary] = [join(root, 'home'), join(root, 'tmp')]
  for (const folder of [home, temporary]) mkdirSync(folder)
  const environment = {
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => NETWORK.test(name))),
    // First the Node that runs this test, so that `node`, `npm` and `npx` all run by it.
    PATH: [dirname(process.execPath), process.env['PATH'] ?? ''].join(delimiter),
    HOME: home,
    TMPDIR: temporary,
    LANG: 'C.UTF-8',
    SLS_TELEMETRY_DISABLED: '1',
    SLS_NOTIFICATIONS_MODE: 'off',
  }
  return {
    home,
    environment,
    async run(folder, command, ...args) {
      const options = { cwd: folder, env: environment, maxBuffer: MAX_OUTPUT, timeout: TIMEOUT }
      try {
        const { stdout, stderr } = await run(command, args, options)
        return stdout + stderr
      } catch (error) {
        const { stdout = '', stderr = '' } = error as { readonly stdout?: string; readonly stderr?: string }
        throw new Error(`${[command, ...args].join(' ')}\n${stdout}${stderr}`, { cause: error })
      }
    },
    remove: () => rmSync(root, { recursive: true, force: true, maxRetries: 3 }),
  }
}

/** The files below a folder, as a function's artifact has them: ES modules. */
export function artifact(folder: string): ReadonlyMap<string, Uint8Array> {
  const names = globSync('**/*.{js,mjs,cjs}', { cwd: folder })
  const files = names.map((name) => [name, readFileSync(join(folder, name))] as const)
  return new Map<string, Uint8Array>([...files, ['package.json', Buffer.from('{"type":"module"}\n')]])
}
