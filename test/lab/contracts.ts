import type { Ending } from './runtime-process.ts'

/** What became of an invocation. */
export type Outcome =
  /** The handler gave a result. */
  | { readonly status: 'answered'; readonly result: unknown }
  /** The handler threw, or the function could not be loaded. */
  | { readonly status: 'failed'; readonly errorType: string; readonly errorMessage: string }
  /** Its time was over, and the process was killed. */
  | { readonly status: 'timed-out' }
  /** The process ended in the middle of it. */
  | { readonly status: 'crashed'; readonly ending: Ending }

/** How one invocation is made. */
export interface InvokeOptions {
  /** The timeout of the function in ms. Default 15,000. */
  readonly timeout?: number
  /** The timeout strikes when this settles, so that a scenario need not guess how fast the machine is. */
  readonly expired?: Promise<unknown>
}

/** How an environment is made. */
export interface EnvironmentOptions {
  /** How it was initialized, as the environment sees it. Default `on-demand`; `lambda-managed-instances` with `concurrency`. */
  readonly initialization?: 'on-demand' | 'provisioned-concurrency'
  /** A managed instance: so many invocations at once, on so many worker threads, and never frozen. */
  readonly concurrency?: { readonly invocations: number; readonly workers: number }
  /** More environment variables. */
  readonly variables?: Readonly<Record<string, string>>
}

/** One execution environment: a process that may come and go, and a temporary folder that stays. */
export interface Environment {
  readonly name: string
  /** The process, `undefined` when there is none. */
  readonly pid: number | undefined
  /** Its temporary folder. */
  readonly temporary: string
  /** Initializes it before any invocation, and freezes it, as provisioned concurrency does. */
  initialize(): Promise<void>
  /**
   * Runs an invocation with an event, `{}` by default, initializing first where needed. Resolves when the environment is
   * frozen again, or has ended. Throws when it is busy: Lambda gives an environment one invocation at a time.
   */
  invoke(event?: unknown, options?: InvokeOptions): Promise<Outcome>
  /** Stops it now. Between invocations this is done anyway. */
  freeze(): Promise<void>
  /** Lets it go on. */
  thaw(): void
  /** Ends the process, as a crash does. Its temporary folder stays. */
  kill(): Promise<void>
  /**
   * Ends the environment for good: at once by SIGKILL, as Lambda does where no extension is registered, else by SIGTERM.
   * Resolves to how the process ended.
   */
  shutDown(options?: { readonly extension?: boolean }): Promise<Ending | undefined>
}
