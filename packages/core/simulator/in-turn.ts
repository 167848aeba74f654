/** A run that is taken step by step. */
interface Steps<Result> {
  /** Does the next event. False when the run is over. */
  step(): boolean
  finish(): Result
}

/** Takes runs through all their steps, one after the other: with 64 side by side each took twice the time, for no cache holds them. */
export async function runInTurn<Result>(
  runs: number,
  begin: (index: number) => Steps<Result>,
  end: (result: Result) => 'go on' | 'stop',
): Promise<void> {
  // Requests fail by the million here, and nobody reads where: a stack costs more than what the event itself does.
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    for (let index = 0; index < runs; index += 1) {
      const run = begin(index)
      // Promises between two events settle while the event loop turns; no event may come before they have.
      while (run.step()) await new Promise((resolve) => setImmediate(resolve))
      if (end(run.finish()) === 'stop') return
    }
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}
