import assert from 'node:assert/strict'
import { aborts } from './aborts.ts'
import { announcements } from './announcements.ts'
import { connections } from './connections.ts'
import { contents } from './contents.ts'
import { faults } from './faults.ts'
import { Gap, type Memory, makeKit, type Trial } from './kit.ts'
import { many } from './many.ts'
import { races } from './races.ts'
import type { ConformanceCase, StoreSubject } from './subject.ts'
import { time } from './time.ts'
import { writes } from './writes.ts'

const TRIALS: Readonly<Record<string, Trial>> = {
  ...writes,
  ...announcements,
  ...races,
  ...contents,
  ...many,
  ...time,
  ...aborts,
  ...faults,
  ...connections,
}

/** The longest a case may take, in ms, even on a store that never answers. */
const LONGEST = 30_000

/**
 * All that every store must do, as cases for any test runner. `subject` is asked for once a case, so it may start a
 * server at the first and give the same one again. Cases must run one after the other: faults are injected into all
 * requests.
 *
 * @example
 * ```ts
 * for (const { name, run } of storeConformance(() => ({ store: myStore() }))) {
 *   test(name, async (t) => {
 *     const result = await run()
 *     if (result !== 'pass') t.skip(result.gap)
 *   })
 * }
 * ```
 */
export function storeConformance(subject: () => StoreSubject | Promise<StoreSubject>): readonly ConformanceCase[] {
  const memory: Memory = { hung: false }
  return Object.entries(TRIALS).map(([name, trial]) => ({
    name,
    async run() {
      try {
        return await withinLongest(trial(makeKit(await subject(), memory)))
      } catch (error) {
        if (error instanceof Gap) return { gap: error.message }
        throw error
      }
    },
  }))
}

async function withinLongest<T>(run: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    const message = `the case took more than ${LONGEST} ms`
    timer = setTimeout(() => reject(new assert.AssertionError({ message })), LONGEST)
  })
  return Promise.race([run, late]).finally(() => clearTimeout(timer))
}
