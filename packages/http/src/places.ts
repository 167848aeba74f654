/** Calls back once there is a place, at once if one is free. The function that it gives leaves the place, or the queue for it. */
export type Enter = (turn: () => void) => () => void

/** Makes so many places. */
export function places(count: number): Enter {
  const waiting = new Set<() => void>()
  let free = count
  /** Gives a place to whoever waits longest, or has it free. */
  const pass = (): void => {
    const [next] = waiting
    if (next === undefined) free += 1
    else {
      waiting.delete(next)
      next()
    }
  }
  return (turn) => {
    // A function of its own, for the same one may wait twice.
    const mine = (): void => turn()
    const isWaiting = free === 0
    if (isWaiting) waiting.add(mine)
    else {
      free -= 1
      mine()
    }
    return () => {
      if (waiting.delete(mine)) return
      // Not at once: whoever waits may be aborted by the very event that is told here, and be the next to leave.
      queueMicrotask(pass)
    }
  }
}
