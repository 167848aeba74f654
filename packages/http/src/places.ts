/** Calls back once there is a place, at once if one is free. The function that it gives leaves the place, or the queue for it. */
export type Enter = (turn: () => void) => () => void

/** Makes so many places. */
export const places = (count: number): Enter => {
  const waiting = new Set<() => void>()
  let free = count
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
      // The place goes to whoever waits longest, or is free.
      const [next] = waiting
      if (next === undefined) free += 1
      else {
        waiting.delete(next)
        next()
      }
    }
  }
}
