/** How many runs go on side by side: one turn of the event loop serves an event of each. */
const SIDE_BY_SIDE = 64

/** A run that is taken step by step. */
interface Steps<Result> {
  /** Does the next event. False when the run is over. */
  step(): boolean
  finish(): Result
}

/** Takes runs through all their steps, many side by side. */
export async function runSideBySide<Result>(
  runs: number,
  begin: (index: number) => Steps<Result>,
  end: (result: Result) => 'go on' | 'stop',
): Promise<void> {
  let started = 0
  let stopped = false
  let active: Steps<Result>[] = []
  while ((started < runs || active.length > 0) && !stopped) {
    while (active.length < SIDE_BY_SIDE && started < runs) active.push(begin(started++))
    // Promises between two events of a run settle while the event loop turns; no event may come before they have.
    const next: Steps<Result>[] = []
    for (const run of active) {
      if (run.step()) next.push(run)
      else if (end(run.finish()) === 'stop') stopped = true
    }
    active = next
    await new Promise((resolve) => setImmediate(resolve))
  }
}
