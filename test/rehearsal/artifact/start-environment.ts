import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { REGION } from '../cloud/account.ts'
import type { Keys } from '../cloud/signature.ts'
import { isMapping, memberAt } from '../cloud/value.ts'
import type { DeployedFunction } from '../cloud/world.ts'

/** How a call of a function ended. */
export type Outcome =
  | { readonly result: unknown; readonly error?: undefined }
  | { readonly error: { readonly name: string; readonly message: string; readonly code: string } }

/** A process that runs a deployed function, as one execution environment does. */
export interface Environment {
  invoke(event: object): Promise<Outcome>
  /** Ends it by force, as a crash would, and removes its folders. */
  end(): void
}

/** What the function gets beside what its own configuration says. */
export interface EnvironmentOptions {
  readonly keys: Keys & { readonly sessionToken: string }
  /** Variables that lead to local servers; they come after the function's own. */
  readonly variables: Readonly<Record<string, string>>
}

const PROGRAM = fileURLToPath(new URL('./environment-process.ts', import.meta.url))
const EXTENSIONS = ['.mjs', '.js', '.cjs']

/** Unpacks what was uploaded and starts it with the configuration that was deployed, and none of this process's own. */
export async function startEnvironment(deployed: DeployedFunction, options: EnvironmentOptions): Promise<Environment> {
  const { file, name: handler } = handlerOf(deployed)
  const folder = mkdtempSync(join(tmpdir(), 'warmtoken-environment-'))
  const [code, temporary] = [join(folder, 'task'), join(folder, 'tmp')]
  mkdirSync(temporary)
  for (const [name, contents] of deployed.files) {
    mkdirSync(dirname(join(code, name)), { recursive: true })
    writeFileSync(join(code, name), contents)
  }
  const child = fork(PROGRAM, [join(code, file), handler], {
    cwd: code,
    env: {
      PATH: process.env['PATH'],
      ...variablesOf(deployed, options),
      LAMBDA_TASK_ROOT: code,
      TMPDIR: temporary,
      TOKEN_DIRECTORY: temporary,
    },
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const end = (): void => {
    child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  }
  await firstOf(child, 'ready').catch((error: unknown) => {
    end()
    throw error
  })
  const seconds = deployed.properties['Timeout']
  const remaining = (typeof seconds === 'number' ? seconds : 3) * 1_000
  return {
    end,
    invoke: async (event) => {
      const answer = firstOf(child, 'an answer', remaining)
      child.send({ event, remaining })
      return (await answer) as Outcome
    },
  }
}

/** `functions/contacts.handler`: the function `handler` of the module `functions/contacts`. */
function handlerOf({ name: functionName, properties, files }: DeployedFunction) {
  const handler = String(properties['Handler'])
  const dot = handler.lastIndexOf('.')
  const file = EXTENSIONS.map((extension) => `${handler.slice(0, dot)}${extension}`).find((name) => files.has(name))
  if (file === undefined) throw new Error(`${functionName}: the artifact holds no ${handler.slice(0, dot)}`)
  return { file, name: handler.slice(dot + 1) }
}

/** What Lambda gives a function, what its own configuration gives it, and what leads to the local servers. */
export function variablesOf(
  { name, properties }: DeployedFunction,
  { keys, variables }: EnvironmentOptions,
): Readonly<Record<string, string>> {
  const own = memberAt(properties, 'Environment', 'Variables')
  return {
    AWS_REGION: REGION,
    AWS_LAMBDA_FUNCTION_NAME: name,
    AWS_ACCESS_KEY_ID: keys.accessKeyId,
    AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
    AWS_SESSION_TOKEN: keys.sessionToken,
    ...(isMapping(own) ? Object.fromEntries(Object.entries(own).map(([key, value]) => [key, String(value)])) : {}),
    ...variables,
  }
}

const START_MS = 30_000

/** The next message of the process; an error when it ends first or takes too long. */
async function firstOf(child: ChildProcess, what: string, limit = START_MS): Promise<unknown> {
  const stop = new AbortController()
  const { signal } = stop
  const timer = setTimeout(() => child.kill('SIGKILL'), limit)
  try {
    const ended = once(child, 'exit', { signal }).then(() => {
      throw new Error(`The function ended before it gave ${what}, or took longer than ${limit} ms`)
    })
    const [message] = await Promise.race([once(child, 'message', { signal }), ended])
    return message
  } finally {
    clearTimeout(timer)
    stop.abort()
  }
}
