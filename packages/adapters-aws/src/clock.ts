import type { ServerTime } from '@warmtoken/core'

/** An HTTP `Date` header counts whole seconds: the true time was within the second that it names. */
export const serverTime = (header: string | undefined): ServerTime | undefined => {
  const at = header === undefined ? Number.NaN : Date.parse(header)
  return Number.isNaN(at) ? undefined : { at, precision: 1_000 }
}

/** The part of a client that takes middleware, as every SDK client has it. */
interface Stacked {
  readonly middlewareStack: {
    add(
      middleware: unknown,
      options: { readonly step: 'deserialize'; readonly name: string; readonly override: boolean },
    ): void
  }
}

const dates = new WeakMap<object, string>()

/**
 * Makes a client remember the `Date` header of each answer: the SDK leaves it out of its outputs. It is kept beside the
 * output or error, and is gone with it.
 */
export const watchDate = (client: Stacked): void => {
  const middleware =
    (next: (args: unknown) => Promise<Answered>) =>
    async (args: unknown): Promise<Answered> => {
      try {
        const result = await next(args)
        remember(result.output, result.response)
        return result
      } catch (error) {
        if (typeof error === 'object' && error !== null) remember(error, (error as { $response?: unknown }).$response)
        throw error
      }
    }
  client.middlewareStack.add(middleware, { step: 'deserialize', name: 'warmtokenDate', override: true })
}

interface Answered {
  readonly output: object
  readonly response: unknown
}

const remember = (of: object, response: unknown): void => {
  const headers = (response as { headers?: { [name: string]: string } } | undefined)?.headers
  const date = headers?.['date'] ?? headers?.['Date']
  if (date !== undefined) dates.set(of, date)
}

/** The time on the server when it made this output or error, if it told. */
export const timeOf = (output: object): ServerTime | undefined => serverTime(dates.get(output))
