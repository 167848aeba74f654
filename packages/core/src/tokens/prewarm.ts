import type { GetOptions } from './handle.ts'
import type { Token } from './token.ts'
import type { Handles } from './tokens.ts'

/**
 * Makes sure of tokens, all at once, and looks at the store by one request where it can. Never rejects; resolves to a
 * token or an error for each, by the same names. `wanted` is the engine's.
 */
export const prewarm = async <H extends Handles>(
  wanted: Set<string>,
  handles: H,
  options: GetOptions | undefined,
): Promise<{ readonly [Name in keyof H]: Token | Error }> => {
  const keys = new Set(Object.values(handles).map(({ key }) => key))
  // One alone would only be held up.
  for (const key of keys) if (keys.size > 1) wanted.add(key)
  const named = Object.entries(handles).map(async ([name, handle]) => {
    const token = await handle.get(options).catch((error: Error) => error)
    return [name, token] as const
  })
  const tokens = await Promise.all(named)
  for (const key of keys) wanted.delete(key)
  return Object.fromEntries(tokens) as { [Name in keyof H]: Token | Error }
}
