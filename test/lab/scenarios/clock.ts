import type { Scenario } from '../stage.ts'
import { firstCall, nextCall } from './calls.ts'

const HOURS = 2 * 3_600_000

/** The wall clock of an environment jumps, and nothing else does. */
export const clockStep: Scenario = {
  title: 'a clock that steps costs a look into the table, no token request',
  deployed: 'contacts',
  expects: () => [
    ...firstCall('A'),
    'clock of A: 2 hours ahead',
    // It might as well have been frozen so long. The table knows better.
    ...nextCall('A', 'store'),
    ...nextCall('A', 'memory'),
    'clock of A: 2 hours behind',
    ...nextCall('A', 'memory'),
    'A: kill',
    // The new process has no memory, and a file that was written in what is now the future.
    ...['A: invoke', 'A: init', 'api: called', 'A: answers 200 from file', 'A: freeze'],
  ],
  async play({ lab, say }) {
    const one = lab.environment()
    await one.invoke()
    lab.moveClock(HOURS)
    say('clock of A: 2 hours ahead')
    await one.invoke()
    await one.invoke()
    lab.moveClock(-HOURS)
    say('clock of A: 2 hours behind')
    await one.invoke()
    await one.kill()
    await one.invoke()
  },
}
