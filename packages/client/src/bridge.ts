import type { Live, LiveEvent } from './types.ts'

/** What the bridge keeps warm: a handle of `createTokens`, or anything with a key and a `get`. */
export interface Bridged {
  /** The key under which the store has it. */
  readonly key: string
}

/**
 * Feeds a process that lives long: calls `outdated` when the store has a newer version of what the process holds in
 * memory, so that it is read again at once and not when it expires. Returns what ends that.
 *
 * @example
 * ```ts
 * bridge(events, [crm], (handle) => forget(handle.key))
 * ```
 */
export function bridge(
  live: Live,
  handles: readonly Bridged[],
  outdated: (handle: Bridged, event: LiveEvent) => void,
): () => void {
  const ends = handles.map((handle) => live.subscribe(`key:${handle.key}`, (event) => outdated(handle, event)))
  return () => {
    for (const end of ends) end()
  }
}
