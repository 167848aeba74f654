import { randomUUID } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Environment, EnvironmentOptions, InvokeOptions, Outcome } from './contracts.ts'
import type { RuntimeReports } from './runtime-api.ts'
import { type Ending, type ProcessOptions, type RuntimeProcess, startRuntimeProcess } from './runtime-process.ts'

/** The timeout of a function, unless it says otherwise, in ms. */
const TIMEOUT = 15_000

/** What the lab hands to each environment. */
export interface EnvironmentParts {
  readonly name: string
  /** Where its temporary folder is made. */
  readonly folder: string
  /** Where the function's code is. */
  readonly task: string
  readonly options: EnvironmentOptions
  readonly preload: string
  /** The variables of the runtime and of the function. */
  variables(temporary: string): Readonly<Record<string, string>>
  /** By how much the clock is ahead, in ms; `undefined` when it cannot be moved. */
  clock(): number | undefined
  say(what: string): void
  /** An answer in words, for the transcript. */
  describe(result: unknown): string
  onOutput(text: string): void
  onProcess(process: RuntimeProcess): void
}

/** The process of an environment. */
interface State {
  /** Set while there is one, or one is being made. */
  launch: Promise<RuntimeProcess> | undefined
  process: RuntimeProcess | undefined
  frozen: boolean
  starts: number
  initError: Outcome | undefined
}

/** Makes an environment. Nothing is started yet. */
export function createEnvironment(parts: EnvironmentParts): Environment {
  const { name, folder, options, say } = parts
  const temporary = join(folder, 'tmp')
  mkdirSync(temporary, { recursive: true })
  const managed = options.concurrency !== undefined
  const atOnce = options.concurrency?.invocations ?? 1
  const running = new Map<string, (outcome: Outcome) => void>()
  const state: State = { launch: undefined, process: undefined, frozen: false, starts: 0, initError: undefined }

  const reports: Omit<RuntimeReports, 'onNext'> = {
    onAnswer: (id, body) => running.get(id)?.({ status: 'answered', result: JSON.parse(body) }),
    onError: (id, body) => running.get(id)?.(failureOf(body)),
    onInitError(body) {
      state.initError = failureOf(body)
    },
  }

  const start = async (): Promise<void> => {
    say('init')
    state.starts += 1
    state.initError = undefined
    state.launch = startRuntimeProcess(processOptions(parts, temporary, reports))
    const started = await state.launch
    state.process = started
    parts.onProcess(started)
    started.ended.then((ending) => {
      Object.assign(state, { launch: undefined, process: undefined, frozen: false })
      for (const finish of running.values()) finish(state.initError ?? { status: 'crashed', ending })
    })
    await started.idle()
  }

  const end = async (signal: NodeJS.Signals): Promise<Ending | undefined> => (await state.launch)?.kill(signal)

  const freeze = async (): Promise<void> => {
    if (state.process === undefined || state.frozen) return
    state.frozen = true
    await state.process.freeze()
    say('freeze')
  }

  const thaw = (): void => {
    if (!state.frozen) return
    state.frozen = false
    say('thaw')
    state.process?.thaw()
  }

  const wake = async (): Promise<void> => (state.process === undefined ? start() : thaw())

  /** What follows an invocation, before the next one may come. */
  const rest = async (outcome: Outcome): Promise<void> => {
    if (outcome.status !== 'timed-out') say(inWords(outcome, parts))
    if (managed) return
    if (outcome.status === 'timed-out') await end('SIGKILL')
    // The runtime has done with an invocation when it asks for the next.
    await state.process?.idle()
  }

  const run = async (event: unknown, { timeout = TIMEOUT, expired }: InvokeOptions): Promise<Outcome> => {
    const requestId = randomUUID()
    const outcome = Promise.withResolvers<Outcome>()
    running.set(requestId, outcome.resolve)
    // The first init has a time of its own. After a crash or a timeout it is a part of the invocation.
    const again = state.starts > 0 && state.process === undefined
    if (again) say('invoke')
    else await wake()
    const deadline = Date.now() + timeout
    const callOff = setAlarm({ timeout, expired }, () => {
      say('timeout')
      outcome.resolve({ status: 'timed-out' })
    })
    if (again) await Promise.race([wake(), outcome.promise])
    else say('invoke')
    const clock = parts.clock()
    state.process?.deliver({ requestId, event, deadline: deadline + (clock ?? 0), clock })
    const result = await outcome.promise
    callOff()
    await rest(result)
    running.delete(requestId)
    return result
  }

  return {
    name,
    temporary,
    get pid() {
      return state.process?.pid
    },
    freeze,
    thaw,
    async initialize() {
      await start()
      if (!managed) await freeze()
    },
    async invoke(event = {}, how = {}) {
      if (running.size >= atOnce) throw new Error(`${name} is busy: Lambda gives it ${atOnce} at a time`)
      const outcome = await run(event, how)
      if (!managed) await freeze()
      return outcome
    },
    async kill() {
      say('kill')
      await end('SIGKILL')
    },
    async shutDown({ extension = false } = {}) {
      say(extension ? 'shutdown by SIGTERM' : 'shutdown by SIGKILL')
      if (extension) thaw()
      return end(extension ? 'SIGTERM' : 'SIGKILL')
    },
  }
}

/** Strikes once: after `timeout` ms, or when `expired` settles. The returned function calls it off. */
function setAlarm(
  { timeout, expired }: { readonly timeout: number; readonly expired: Promise<unknown> | undefined },
  strike: () => void,
): () => void {
  let pending = true
  const ring = (): void => {
    if (pending) strike()
    pending = false
  }
  const timer = setTimeout(ring, timeout)
  expired?.then(ring, ring)
  return () => {
    pending = false
    clearTimeout(timer)
  }
}

function processOptions(
  { task, options, preload, variables, clock, onOutput }: EnvironmentParts,
  temporary: string,
  reports: ProcessOptions['reports'],
): ProcessOptions {
  const { concurrency, initialization = 'on-demand' } = options
  const moved = clock()
  return {
    preload,
    folder: task,
    workers: concurrency?.workers ?? 1,
    reports,
    onOutput,
    environment: {
      ...variables(temporary),
      AWS_LAMBDA_INITIALIZATION_TYPE: concurrency === undefined ? initialization : 'lambda-managed-instances',
      ...(concurrency && {
        AWS_LAMBDA_MAX_CONCURRENCY: String(concurrency.invocations),
        AWS_LAMBDA_NODEJS_WORKER_COUNT: String(concurrency.workers),
      }),
      ...(moved !== undefined && { WARMTOKEN_LAB_CLOCK: String(moved) }),
      ...options.variables,
    },
  }
}

function inWords(outcome: Outcome, { describe }: EnvironmentParts): string {
  if (outcome.status === 'answered') return describe(outcome.result)
  return outcome.status === 'failed' ? `fails with ${outcome.errorType}` : outcome.status
}

function failureOf(body: string): Outcome {
  const { errorType, errorMessage } = JSON.parse(body)
  return { status: 'failed', errorType: String(errorType), errorMessage: String(errorMessage) }
}
