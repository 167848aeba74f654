/** What each name measured, one number or object a round. */
export type Measured<T> = ReadonlyMap<string, readonly T[]>

/**
 * Measures every name once a round, and begins each round with another one: what disturbs the machine for a while
 * disturbs all alike. A name that fails is left out of the rest and told.
 */
export async function interleave<T>(
  names: readonly string[],
  rounds: number,
  measure: (name: string, round: number) => Promise<T>,
): Promise<Measured<T>> {
  const measured = new Map<string, T[]>(names.map((name) => [name, []]))
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < names.length; turn += 1) {
      const name = names[(turn + round) % names.length] ?? ''
      const results = measured.get(name)
      if (results === undefined) continue
      try {
        results.push(await measure(name, round))
      } catch (error) {
        measured.delete(name)
        console.error(`${name} failed and is left out: ${String(error).slice(0, 2_000)}`)
      }
    }
    process.stderr.write(`round ${round + 1} of ${rounds}\n`)
  }
  return measured
}

/** One field of what a name measured, round by round. */
export function column<T>(measured: Measured<T>, name: string, of: (one: T) => number): readonly number[] {
  return (measured.get(name) ?? []).map(of)
}
