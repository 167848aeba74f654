import { inspect } from 'node:util'

/** All that a program could log of an error, as text. */
export function shown(error: unknown): string {
  const parts: string[] = []
  for (let at = error; at instanceof Error; at = at.cause)
    parts.push(at.message, at.stack ?? '', JSON.stringify(at), inspect(at, { depth: 20, showHidden: true }))
  return parts.join('\n')
}

/** What a promise rejects with. Throws when it does not. */
export async function rejectionOf(promise: Promise<unknown>): Promise<unknown> {
  let value: unknown
  try {
    value = await promise
  } catch (error) {
    return error
  }
  throw new Error(`it was resolved with ${inspect(value)}`)
}
