import type { Agent } from 'node:http'
import {
  markAmbiguous,
  mayHaveBeenApplied,
  parseServerDate,
  type ServerTime,
  withClient,
} from '@warmtoken/core/adapter'
import type { Place } from './options.ts'
import { isAmbiguous } from './sdk-error.ts'

/** The settings of every SDK client that this package makes. */
interface ClientSettings {
  readonly maxAttempts: number
  readonly requestHandler: {
    readonly connectionTimeout: number
    readonly requestTimeout: number
    readonly throwOnRequestTimeout: boolean
    readonly httpAgent?: Agent
    readonly httpsAgent?: Agent
  }
  readonly region?: string
  readonly endpoint?: string
}

/**
 * The settings for a client that this package makes. They are part of the protocol: a client has no timeout by default, and
 * without `throwOnRequestTimeout` it only warns.
 */
export function clientSettings({ region, endpoint, agent }: Place): ClientSettings {
  return {
    maxAttempts: 3,
    requestHandler: {
      connectionTimeout: 300,
      requestTimeout: 800,
      throwOnRequestTimeout: true,
      ...(agent !== undefined && { httpAgent: agent as never, httpsAgent: agent as never }),
    },
    ...(region !== undefined && { region }),
    ...(endpoint !== undefined && { endpoint }),
  }
}

/** A client that a user may hand in, or a function that returns it. */
type Given<C> = C | (() => C | Promise<C>) | undefined

/** Makes one call with the user's client, or with one that `make` makes from the place; see `withClient`. */
export function callOnce<C extends { destroy(): void }, T>(
  { given, place, make, signal }: { given: Given<C>; place: Place; make: (place: Place) => C; signal: AbortSignal },
  call: (client: C) => Promise<T>,
): Promise<T> {
  // Destroying the client would destroy the user's agent with it.
  const spare = place.agent !== undefined && { destroy: () => {} }
  return withClient({ given, make: () => make(place), signal, ...spare }, call)
}

type Options<Step> = {
  readonly step: Step
  readonly priority: 'high'
  readonly name: string
  readonly override: boolean
}

/** The part of a client that takes middleware, as every SDK client has it. */
interface Stacked {
  readonly middlewareStack: {
    add(middleware: unknown, options: Options<'initialize'>): void
    add(middleware: unknown, options: Options<'deserialize'>): void
  }
}

/** The result of a request, or of one attempt at it. */
interface Sent {
  readonly output: object
  readonly response: unknown
}

/** Runs around each request as a whole, or around each attempt at it. `request` is the same object in both. */
type Around = (send: () => Promise<Sent>, request: object) => Promise<Sent>

/** Sets a middleware. Setting one of the same name again replaces it. */
function watch(client: Stacked, each: 'request' | 'attempt', name: string, around: Around): void {
  const middleware = (next: (args: unknown) => Promise<Sent>, request: object) => (args: unknown) =>
    around(() => next(args), request)
  // High priority: around the SDK's own part of the step, so that the answer has become an output or an error.
  const options = { priority: 'high', name: `warmtoken${name}`, override: true } as const
  if (each === 'request') client.middlewareStack.add(middleware, { step: 'initialize', ...options })
  else client.middlewareStack.add(middleware, { step: 'deserialize', ...options })
}

const dates = new WeakMap<object, string>()

/**
 * Makes a client remember the `Date` header of each answer, which the SDK leaves out of its outputs. {@link timeOf} reads it
 * from the output or the error.
 */
export function watchDate(client: Stacked): void {
  watch(client, 'attempt', 'Date', async (send) => {
    try {
      const result = await send()
      rememberDate(result.output, result.response)
      return result
    } catch (error) {
      if (typeof error === 'object' && error !== null)
        rememberDate(error, (error as { readonly $response?: unknown }).$response)
      throw error
    }
  })
}

function rememberDate(of: object, response: unknown): void {
  const headers = (response as { headers?: { [name: string]: string } } | undefined)?.headers
  const date = headers?.['date'] ?? headers?.['Date']
  if (date !== undefined) dates.set(of, date)
}

/** The time on the server when it made this output or error; `undefined` when it did not tell. */
export function timeOf(of: unknown): ServerTime | undefined {
  return typeof of === 'object' && of !== null ? parseServerDate(dates.get(of)) : undefined
}

/**
 * Makes a client mark the errors of requests of which any attempt may have been applied: it got no answer, or a server
 * error. The SDK shows only the last attempt, and that one may have been refused.
 */
export function watchAmbiguous(client: Stacked): void {
  watch(client, 'attempt', 'Attempt', async (send, request) => {
    try {
      return await send()
    } catch (error) {
      if (isAmbiguous(error)) markAmbiguous(request)
      throw error
    }
  })
  watch(client, 'request', 'Request', async (send, request) => {
    try {
      return await send()
    } catch (error) {
      throw mayHaveBeenApplied(request) ? markAmbiguous(error) : error
    }
  })
}
