import type { Engine } from '../engine/engine.ts'
import type { Token } from './token.ts'
import type { GetOptions, TokenHandles } from './types.ts'

/**
 * Throws `TypeError` that names what is not a handle. It imports nothing: what a hit shared with what is loaded later would be
 * one more file that each hit loads.
 */
function checkHandles(handles: unknown): void {
  const give = 'give tokens as in { crm: tokens.use(source) }'
  if (typeof handles !== 'object' || handles === null) throw new TypeError(`prewarm: ${give}`)
  for (const [name, handle] of Object.entries(handles)) {
    const { get, key } = Object(handle) as { readonly get?: unknown; readonly key?: unknown }
    if (typeof get !== 'function' || typeof key !== 'string')
      throw new TypeError(`prewarm: "${name}" is not a handle; ${give}`)
  }
}

/**
 * Makes sure of tokens, all at once, and looks at the store by one request where it can. Resolves to a token or an
 * error for each, by the same names; rejects with `TypeError` for what is not a handle.
 */
export async function prewarm<H extends TokenHandles>(
  { prefetchKeys: wanted }: Pick<Engine, 'prefetchKeys'>,
  handles: H,
  options: GetOptions | undefined,
): Promise<{ readonly [Name in keyof H]: Token | Error }> {
  checkHandles(handles)
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
