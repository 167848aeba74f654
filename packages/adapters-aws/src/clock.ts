import type { ServerTime } from '@warmtoken/core'
import { type Stacked, watch } from './client.ts'

/** An HTTP `Date` header counts whole seconds: the true time was within the second that it names. */
export function serverTime(header: string | undefined): ServerTime | undefined {
  const at = header === undefined ? Number.NaN : Date.parse(header)
  return Number.isNaN(at) ? undefined : { at, precision: 1_000 }
}

const dates = new WeakMap<object, string>()

/**
 * Makes a client remember the `Date` header of each answer: the SDK leaves it out of its outputs. It is kept beside the
 * output or error, and is gone with it.
 */
export function watchDate(client: Stacked): void {
  watch(client, { each: 'attempt', name: 'Date' }, async (send) => {
    try {
      const result = await send()
      remember(result.output, result.response)
      return result
    } catch (error) {
      if (typeof error === 'object' && error !== null) remember(error, (error as { $response?: unknown }).$response)
      throw error
    }
  })
}

function remember(of: object, response: unknown): void {
  const headers = (response as { headers?: { [name: string]: string } } | undefined)?.headers
  const date = headers?.['date'] ?? headers?.['Date']
  if (date !== undefined) dates.set(of, date)
}

/** The time on the server when it made this output or error, if it told. */
export function timeOf(of: unknown): ServerTime | undefined {
  return typeof of === 'object' && of !== null ? serverTime(dates.get(of)) : undefined
}
