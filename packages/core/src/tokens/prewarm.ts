import { gather } from '../engine/gather.ts'
import type { GetOptions } from './handle.ts'
import type { Token } from './token.ts'
import type { Handles } from './tokens.ts'

/**
 * Makes sure of tokens, all at once, and looks at the store by one request where it can. Never rejects; resolves to a
 * token or an error for each, by the same names.
 */
export const prewarm = async <H extends Handles>(
  handles: H,
  options: GetOptions | undefined,
): Promise<{ readonly [Name in keyof H]: Token | Error }> => {
  const done = gather([...new Set(Object.values(handles).map(({ key }) => key))])
  const named = Object.entries(handles).map(async ([name, handle]) => {
    const token = await handle.get(options).catch((error: Error) => error)
    return [name, token] as const
  })
  const tokens = await Promise.all(named)
  done()
  return Object.fromEntries(tokens) as { [Name in keyof H]: Token | Error }
}
