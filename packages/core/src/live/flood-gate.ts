import type { Runtime } from '../contracts.ts'

/** Frames of one connection in one window, as one environment sees them, and the window's length in ms. */
const MAX_FRAMES = 60
const WINDOW = 10_000
/** The most connections that are counted; the one that was counted first is forgotten. */
const MAX_COUNTED = 10_000

/** Counts the frames of connections. Returns whether this one is too many. Memory is bounded. */
export function createFloodGate({ monotonic }: Pick<Runtime, 'monotonic'>): (connection: string) => boolean {
  const counts = new Map<string, { readonly since: number; frames: number }>()
  return (connection) => {
    const now = monotonic()
    const known = counts.get(connection)
    if (known !== undefined && now - known.since < WINDOW) {
      known.frames += 1
      return known.frames > MAX_FRAMES
    }
    counts.delete(connection)
    counts.set(connection, { since: now, frames: 1 })
    const [oldest] = counts.keys()
    if (counts.size > MAX_COUNTED && oldest !== undefined) counts.delete(oldest)
    return false
  }
}
