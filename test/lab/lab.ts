import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundle } from '@warmtoken/infra/bundle'
import { makeLabFolder } from './cleaner.ts'
import type { Environment, EnvironmentOptions } from './contracts.ts'
import { createEnvironment } from './environment.ts'
import type { RuntimeProcess } from './runtime-process.ts'
import { unzip } from './unzip.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const RUNTIME = ['test/lab/runtime/preload.ts', 'test/lab/runtime/native-client.ts'] as const

/** How a lab is set up. */
export interface LabOptions {
  /** What is deployed: the artifact of `serverless package`, or its files by their names. */
  readonly bundle: Uint8Array | ReadonlyMap<string, Uint8Array>
  /** The handler as `serverless.yml` has it: `functions/contacts.handler`. */
  readonly handler: string
  /** The environment variables of the function, or a function that gives them for a temporary folder. */
  readonly environment?: Variables | ((temporary: string) => Variables)
  /** Whether the clocks of the environments can be moved by {@link Lab.moveClock}. Default false. */
  readonly movableClock?: boolean
  /** Puts an answer into words for the transcript. Default: `answers`. */
  readonly describe?: (result: unknown) => string
  /** Receives what happens, in order: `A: init`, `A: invoke`, `A: freeze`, … */
  readonly onEvent?: (what: string) => void
}

type Variables = Readonly<Record<string, string>>

/** A fleet of one function's execution environments. */
export interface Lab {
  /** Makes an environment. They are called A, B … Z, then by number, unless a name is given. */
  environment(options?: EnvironmentOptions & { readonly name?: string }): Environment
  /**
   * Lets the wall clock of all environments be so many ms ahead of the system's. A running process sees it with its next
   * invocation, as after a long freeze.
   */
  moveClock(ms: number): void
  /** All that the processes have printed. */
  output(): string
  /** Ends all processes and removes all files. */
  close(): Promise<void>
}

/** Starts a lab. Nothing runs before an environment is invoked. */
export async function startLab(options: LabOptions): Promise<Lab> {
  const folder = makeLabFolder()
  const task = join(folder.path, 'task')
  const files = options.bundle instanceof Uint8Array ? unzip(options.bundle) : options.bundle
  writeFiles(task, files)
  writeFiles(join(folder.path, 'runtime'), (await bundle(ROOT, RUNTIME)).files)
  const processes = new Set<RuntimeProcess>()
  let printed = ''
  let clock = options.movableClock === true ? 0 : undefined
  let made = 0
  let closed = false

  const onProcess = (process: RuntimeProcess): void => {
    if (closed) return void process.kill('SIGKILL')
    processes.add(process)
    folder.note(process.pid)
    process.ended.then(() => {
      processes.delete(process)
      folder.strike(process.pid)
    })
  }

  const { environment: given = {} } = options
  return {
    environment({ name = nameOf(made), ...how } = {}) {
      made += 1
      return createEnvironment({
        name,
        folder: join(folder.path, `environment-${made}`),
        task,
        options: how,
        preload: join(folder.path, 'runtime', RUNTIME[0].replace(/\.ts$/, '.js')),
        variables: (temporary) => ({
          ...runtimeVariables({ handler: options.handler, task, temporary, name }),
          ...(typeof given === 'function' ? given(temporary) : given),
        }),
        clock: () => clock,
        describe: options.describe ?? (() => 'answers'),
        say: (what) => options.onEvent?.(`${name}: ${what}`),
        onOutput: (text) => {
          printed += text
        },
        onProcess,
      })
    },
    moveClock(ms) {
      if (clock === undefined) throw new Error('this lab was started without movableClock')
      clock = ms
    },
    output: () => printed,
    async close() {
      closed = true
      while (processes.size > 0) await Promise.all([...processes].map((process) => process.kill('SIGKILL')))
      folder.remove()
    },
  }
}

function nameOf(index: number): string {
  return index < 26 ? String.fromCharCode(65 + index) : String(index + 1)
}

function writeFiles(folder: string, files: ReadonlyMap<string, Uint8Array>): void {
  for (const [name, contents] of files) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), contents)
  }
}

/** What Lambda sets, and nothing of this machine's own environment but the path. */
function runtimeVariables(of: { handler: string; task: string; temporary: string; name: string }): Variables {
  return {
    PATH: process.env['PATH'] ?? '',
    LANG: 'en_US.UTF-8',
    TZ: ':UTC',
    TMPDIR: of.temporary,
    _HANDLER: of.handler,
    LAMBDA_TASK_ROOT: of.task,
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
    AWS_REGION: 'us-east-1',
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_LAMBDA_FUNCTION_NAME: 'lab',
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '256',
    AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/lab',
    AWS_LAMBDA_LOG_STREAM_NAME: of.name,
  }
}
