import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { claimPort, startChildServer, startIssuer, startUpstash } from '@warmtoken/local'
import { type BuildOptions, build } from 'esbuild'
import { binaryOf } from './binaries.ts'
import type { Outcome, Settings } from './program.ts'

const run = promisify(execFile)
const here = (name: string): string => new URL(name, import.meta.url).pathname
/** How long a program may run, in ms. */
const TIMEOUT = 30_000

/** An issuer, a store and a folder, and the program as one file. */
export interface Machine {
  readonly folder: string
  /** The program for Node, Bun and Deno, bundled. */
  readonly bundle: string
  /** The program, not bundled. */
  readonly source: string
  readonly issuer: Awaited<ReturnType<typeof startIssuer>>
  readonly settings: Settings
  close(): Promise<void>
}

export async function startMachine(): Promise<Machine> {
  const folder = await mkdtemp(join(tmpdir(), 'warmtoken-runtimes-'))
  const secret = 'only-for-local-runs'
  const issuer = await startIssuer({ clients: [{ id: 'crm', secret }] })
  const upstash = await startUpstash()
  const [bundle, worker] = [join(folder, 'main.mjs'), join(folder, 'worker.mjs')]
  const options: BuildOptions = { bundle: true, format: 'esm', conditions: ['source'], absWorkingDir: here('.') }
  await build({ ...options, entryPoints: ['main.ts'], platform: 'node', outfile: bundle })
  // As wrangler does it: what is Node's stays an import, which `nodejs_compat` answers.
  await build({ ...options, entryPoints: ['worker.ts'], external: ['node:*'], outfile: worker })
  return {
    folder,
    bundle,
    source: here('main.ts'),
    issuer,
    settings: {
      issuer: issuer.url,
      secret,
      prefix: '',
      storeUrl: upstash.url,
      storeToken: upstash.token,
      directory: join(folder, 'files'),
      client: false,
    },
    async close() {
      await Promise.all([issuer.close(), upstash.close()])
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Runs the program by a command: its words, then the settings. Resolves to what it printed. */
export async function runProgram(words: readonly [string, ...string[]], settings: Settings): Promise<Outcome> {
  const [command, ...rest] = words
  const env = { ...process.env, NO_COLOR: '1', DENO_NO_UPDATE_CHECK: '1' }
  const { stdout } = await run(command, [...rest, JSON.stringify(settings)], { env, timeout: TIMEOUT })
  return JSON.parse(stdout)
}

/** How a Worker is configured. */
export interface WorkerOptions {
  readonly compatibilityDate: string
  readonly compatibilityFlags: readonly string[]
}

/** Runs the program as a Worker. */
export async function runWorker(
  { folder }: Machine,
  { compatibilityDate, compatibilityFlags }: WorkerOptions,
  settings: Settings,
): Promise<Outcome | { readonly error: string }> {
  const port = await claimPort()
  const flags = compatibilityFlags.map((flag) => JSON.stringify(flag)).join(', ')
  const config = join(folder, 'config.capnp')
  await writeFile(
    config,
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [(name = "worker", esModule = embed "worker.mjs")],
      compatibilityDate = "${compatibilityDate}",
      compatibilityFlags = [${flags}],
    )),
    (name = "internet", network = (allow = ["local"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
`,
  )
  const url = `http://127.0.0.1:${port}/`
  const server = await startChildServer({
    binary: binaryOf('workerd'),
    args: ['serve', config],
    whenMissing: 'workerd could not be run',
    answers: async () => (await fetch(url, { method: 'POST', body: '{}' })).ok,
  })
  try {
    const answer = await fetch(url, { method: 'POST', body: JSON.stringify(settings) })
    return (await answer.json()) as Outcome | { readonly error: string }
  } finally {
    await server.stop()
  }
}
