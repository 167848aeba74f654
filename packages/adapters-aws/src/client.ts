/**
 * The settings of every SDK client that this package makes. They are part of the protocol: a client has no time-out by
 * itself, and without `throwOnRequestTimeout` it only warns.
 */
const SETTINGS = {
  maxAttempts: 3,
  requestHandler: { connectionTimeout: 300, requestTimeout: 800, throwOnRequestTimeout: true },
} as const

/** Where a client finds its service. */
interface Place {
  readonly region?: string
  readonly endpoint?: string
}

/** The settings for a client of one's own making. */
export function clientSettings({ region, endpoint }: Place): typeof SETTINGS & Place {
  return {
    ...SETTINGS,
    ...(region !== undefined && { region }),
    ...(endpoint !== undefined && { endpoint }),
  }
}

type Options<Step> = {
  readonly step: Step
  readonly priority: 'high'
  readonly name: string
  readonly override: boolean
}

/** The part of a client that takes middleware, as every SDK client has it. */
export interface Stacked {
  readonly middlewareStack: {
    add(middleware: unknown, options: Options<'initialize'>): void
    add(middleware: unknown, options: Options<'deserialize'>): void
  }
}

/** What a request, or one attempt at it, gave. */
export interface Sent {
  readonly output: object
  readonly response: unknown
}

/**
 * Calls `around` about each request as a whole, or about each attempt at it. The object that it is given stands for the
 * request and is the same in both. Setting it twice counts once.
 */
export function watch(
  client: Stacked,
  { each, name }: { readonly each: 'request' | 'attempt'; readonly name: string },
  around: (send: () => Promise<Sent>, request: object) => Promise<Sent>,
): void {
  const middleware = (next: (args: unknown) => Promise<Sent>, request: object) => (args: unknown) =>
    around(() => next(args), request)
  // High: about what the SDK itself does in this step, so that an answer has been made an output or an error.
  const options = { priority: 'high', name: `warmtoken${name}`, override: true } as const
  if (each === 'request') client.middlewareStack.add(middleware, { step: 'initialize', ...options })
  else client.middlewareStack.add(middleware, { step: 'deserialize', ...options })
}

/**
 * Settles as the promise does, but rejects at once when the signal aborts: the SDK lets go of the signal when the head
 * of an answer has come, so that a body that never ends would hold the caller.
 */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(Object.assign(new Error('the call was aborted'), { name: 'AbortError' }))
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}
